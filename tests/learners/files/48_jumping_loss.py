import numpy as np


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros_like(data)

    def zero_grad(self):
        self.grad[...] = 0


class Module:
    def parameters(self):
        return []

    def zero_grad(self):
        for p in self.parameters():
            p.zero_grad()


class Linear(Module):
    def __init__(self, n_in, n_out):
        bound = 1 / np.sqrt(n_in)
        self.weight = Parameter(np.random.uniform(-bound, bound, (n_out, n_in)))
        self.bias = Parameter(np.random.uniform(-bound, bound, n_out))

    def forward(self, x):
        self.saved = x
        return x @ self.weight.data.T + self.bias.data

    def backward(self, grad_out):
        self.weight.grad += grad_out.T @ self.saved
        self.bias.grad += grad_out.sum(0)
        return grad_out @ self.weight.data

    def parameters(self):
        return [self.weight, self.bias]


class Tanh(Module):
    def forward(self, x):
        self.saved = np.tanh(x)
        return self.saved

    def backward(self, grad_out):
        return grad_out * (1 - self.saved ** 2)


class Sequential(Module):
    def __init__(self, *modules):
        self.modules = modules

    def forward(self, x):
        for m in self.modules:
            x = m.forward(x)
        return x

    def backward(self, grad):
        for m in reversed(self.modules):
            grad = m.backward(grad)
        return grad

    def parameters(self):
        return [p for m in self.modules for p in m.parameters()]


class CrossEntropyLoss:
    def forward(self, logits, target):
        z = logits - logits.max(1, keepdims=True)
        self.p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        self.target = target
        return -np.log(self.p[np.arange(len(target)), target]).mean()

    def backward(self):
        g = self.p.copy()
        g[np.arange(len(self.target)), self.target] -= 1
        return g / len(self.target)


class SGD:
    def __init__(self, params, lr):
        self.params = params
        self.lr = lr

    def step(self):
        for p in self.params:
            p.data -= self.lr * p.grad


def main():
    from sklearn.datasets import load_wine
    X, y = load_wine(return_X_y=True)
    X = (X - X.mean(0)) / X.std(0)

    model = Sequential(Linear(13, 30), Tanh(), Linear(30, 3))
    criterion = CrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=0.1)

    for epoch in range(100):
        perm = np.random.permutation(len(X))
        for i in range(0, len(X), 16):
            batch = perm[i:i + 16]
            out = model.forward(X[batch])
            loss = criterion.forward(out, y[batch])
            model.backward(criterion.backward())
            optimizer.step()
        # loss jumps all over the place: 0.3, 2.1, 0.9, 4.4 ...
        print(epoch, loss)


if __name__ == '__main__':
    main()
