import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

class MLP:
    def __init__(self, input_size, hidden_size, output_size, learning_rate=0.1):
        self.learning_rate = learning_rate
        self.W1 = np.random.randn(input_size, hidden_size) * 0.1
        self.b1 = np.zeros((1, hidden_size))
        self.W2 = np.random.randn(hidden_size, output_size) * 0.1
        self.b2 = np.zeros((1, output_size))

    def sigmoid(self, z):
        return 1 / (1 + np.exp(-z))

    def softmax(self, z):
        exp_z = np.exp(z - np.max(z, axis=1, keepdims=True))
        return exp_z / np.sum(exp_z, axis=1, keepdims=True)

    def forward(self, X):
        self.z1 = np.dot(X, self.W1) + self.b1
        self.a1 = self.sigmoid(self.z1)
        self.z2 = np.dot(self.a1, self.W2) + self.b2
        self.a2 = self.softmax(self.z2)
        return self.a2

    def compute_loss(self, y, output):
        return -np.sum(y * np.log(output + 1e-9)) / y.shape[0]

    def backward(self, X, y, output):
        m = X.shape[0]
        dz2 = output - y
        dW2 = np.dot(self.a1.T, dz2) / m * self.learning_rate
        db2 = np.sum(dz2, axis=0, keepdims=True) / m * self.learning_rate
        dz1 = np.dot(dz2, self.W2.T) * self.a1 * (1 - self.a1)
        dW1 = np.dot(X.T, dz1) / m * self.learning_rate
        db1 = np.sum(dz1, axis=0, keepdims=True) / m * self.learning_rate

        # update
        self.W1 -= self.learning_rate * dW1
        self.b1 -= self.learning_rate * db1
        self.W2 -= self.learning_rate * dW2
        self.b2 -= self.learning_rate * db2

    def fit(self, X, y, epochs=1000):
        self.losses = []
        for epoch in range(epochs):
            output = self.forward(X)
            self.losses.append(self.compute_loss(y, output))
            self.backward(X, y, output)
            if epoch % 100 == 0:
                print(f"Epoch {epoch}, Loss: {self.losses[-1]:.4f}")

    def predict(self, X):
        return np.argmax(self.forward(X), axis=1)

df = pd.read_csv('Iris.csv')
X = df.iloc[:, 1:5].values
y = pd.get_dummies(df['Species']).values
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)

model = MLP(4, 8, 3, learning_rate=0.1)
model.fit(X_train, y_train)
print("Accuracy:", np.mean(model.predict(X_test) == np.argmax(y_test, axis=1)))
