import numpy as np

np.random.seed(42)


class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.t = 0
        self.m = {}
        self.v = {}

    def update(self, params, grads):
        self.t += 1
        for k in params:
            if k not in self.m:
                self.m[k] = np.zeros_like(params[k])
                self.v[k] = np.zeros_like(params[k])
            self.m[k] = self.beta1 * self.m[k] + (1 - self.beta1) * grads[k]
            self.v[k] = self.beta2 * self.v[k] + (1 - self.beta2) * grads[k]
            m_hat = self.m[k] / (1 - self.beta1 ** self.t)
            v_hat = self.v[k] / (1 - self.beta2 ** self.t)
            params[k] -= self.lr * m_hat / (np.sqrt(np.abs(v_hat)) + self.eps)


class MLP:
    def __init__(self, input_dim, hidden_dim, output_dim):
        self.params = {
            "W1": np.random.randn(input_dim, hidden_dim) * np.sqrt(2.0 / input_dim),
            "b1": np.zeros((1, hidden_dim)),
            "W2": np.random.randn(hidden_dim, output_dim) * np.sqrt(2.0 / hidden_dim),
            "b2": np.zeros((1, output_dim)),
        }

    def forward(self, X):
        self.X = X
        self.Z1 = X @ self.params["W1"] + self.params["b1"]
        self.A1 = np.maximum(0, self.Z1)
        self.Z2 = self.A1 @ self.params["W2"] + self.params["b2"]
        exp = np.exp(self.Z2 - np.max(self.Z2, axis=1, keepdims=True))
        self.A2 = exp / np.sum(exp, axis=1, keepdims=True)
        return self.A2

    def compute_loss(self, y_pred, y_true):
        m = y_true.shape[0]
        return -np.sum(y_true * np.log(y_pred + 1e-9)) / m

    def backward(self, y_true):
        m = y_true.shape[0]
        dZ2 = (self.A2 - y_true) / m
        dA1 = dZ2 @ self.params["W2"].T
        dZ1 = dA1 * (self.Z1 > 0)
        return {
            "W1": self.X.T @ dZ1,
            "b1": np.sum(dZ1, axis=0, keepdims=True),
            "W2": self.A1.T @ dZ2,
            "b2": np.sum(dZ2, axis=0, keepdims=True),
        }


def train(model, optimizer, X, y, epochs=20, batch_size=64):
    n = X.shape[0]
    for epoch in range(epochs):
        perm = np.random.permutation(n)
        for i in range(0, n, batch_size):
            idx = perm[i:i + batch_size]
            y_pred = model.forward(X[idx])
            loss = model.compute_loss(y_pred, y[idx])
            grads = model.backward(y[idx])
            optimizer.update(model.params, grads)
        print(f"epoch {epoch + 1}: loss {loss:.4f}")


if __name__ == "__main__":
    from tensorflow.keras.datasets import mnist
    (x_train, y_train), _ = mnist.load_data()
    x_train = x_train.reshape(-1, 784) / 255.0
    y_train = np.eye(10)[y_train]
    train(MLP(784, 128, 10), Adam(), x_train, y_train)
