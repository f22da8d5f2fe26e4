import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train.reshape(60000, 784).astype("float32") / 255
x_test = x_test.reshape(10000, 784).astype("float32") / 255
x_train = (x_train - 0.1307) / 0.3081
y_train = keras.utils.to_categorical(y_train, 10)

model = keras.Sequential([keras.Input((784,)), layers.Dense(30, activation="relu"), layers.Dense(10, activation="softmax")])
model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=5, validation_split=0.1)
print(model.evaluate(x_test, y_test))
