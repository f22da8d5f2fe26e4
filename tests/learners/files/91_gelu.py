import numpy as np

class GELUNet:
    def __init__(self, d_in, d_hidden, d_out):
        rng = np.random.default_rng(0)
        self.W1 = rng.standard_normal((d_in, d_hidden)) / np.sqrt(d_in)
        self.b1 = np.zeros(d_hidden)
        self.W2 = rng.standard_normal((d_hidden, d_out)) / np.sqrt(d_hidden)
        self.b2 = np.zeros(d_out)

    @staticmethod
    def gelu(x):
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))

    @staticmethod
    def gelu_grad(x):
        t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t ** 2)

    def forward(self, x):
        self.x = x
        self.z = x @ self.W1 + self.b1
        self.h = self.gelu(self.z)
        self.out = self.h @ self.W2 + self.b2
        return self.out

    def loss(self, x, y):
        return np.mean((self.forward(x) - y) ** 2)

    def backward(self, y):
        dout = 2 * (self.out - y) / self.out.size
        self.dW2 = self.h.T @ dout
        self.db2 = dout.sum(0)
        dh = dout @ self.W2.T
        dz = dh * self.gelu_grad(self.z)
        self.dW1 = self.x.T @ dz
        self.db1 = dz.sum(0)

    def step(self, lr=0.01):
        self.W1 -= lr * self.dW1
        self.b1 -= lr * self.db1
        self.W2 -= lr * self.dW2
        self.b2 -= lr * self.db2


net = GELUNet(1, 32, 1)
x = np.linspace(-3, 3, 200).reshape(-1, 1)
y = np.sin(x)
for i in range(5000):
    net.forward(x)
    net.backward(y)
    net.step()
    if i % 500 == 0:
        print(i, net.loss(x, y))
