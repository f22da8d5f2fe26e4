import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

BATCH_SIZE = 32
AUTOTUNE = tf.data.AUTOTUNE

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()


def preprocess(image, label):
    image = tf.cast(image, tf.float32) / 255.0
    image = tf.reshape(image, (784,))
    label = tf.one_hot(label, 10)
    return image, label


def prepare(ds, shuffle=False):
    ds = ds.map(preprocess, num_parallel_calls=AUTOTUNE)
    if shuffle:
        ds = ds.shuffle(1000)
    ds = ds.batch(BATCH_SIZE)
    return ds.prefetch(buffer_size=AUTOTUNE)


train_ds = prepare(tf.data.Dataset.from_tensor_slices((x_train, y_train)), shuffle=True)
val_ds = prepare(tf.data.Dataset.from_tensor_slices((x_test, y_test)))

model = keras.Sequential([keras.Input((784,)), layers.Dense(30, activation="relu"), layers.Dense(10)])
model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss=keras.losses.CategoricalCrossentropy(from_logits=True))
model.fit(train_ds, epochs=5, validation_data=val_ds)
