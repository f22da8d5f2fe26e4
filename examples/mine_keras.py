"""The same network in Keras. One thing differs: see README.md."""

import keras

model = keras.Sequential(
    [keras.Input((784,)), keras.layers.Dense(30, activation="relu"), keras.layers.Dense(10, activation="softmax")]
)
model.compile(optimizer=keras.optimizers.Adam(0.001), loss="sparse_categorical_crossentropy")
