import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split


class SoftmaxRegression:
    """Multinomial logistic regression, no hidden layer."""

    def __init__(self, lr=0.1, n_iter=1000, l2=0.0):
        self.lr = lr
        self.n_iter = n_iter
        self.l2 = l2

    def _softmax(self, scores):
        exps = np.exp(scores - np.max(scores, axis=1, keepdims=True))
        return exps / np.sum(exps, axis=1, keepdims=True)

    def _one_hot(self, y):
        return (y[:, None] == self.classes_[None, :]).astype(float)

    def _loss(self, X, Y):
        P = self._softmax(X @ self.coef_ + self.intercept_)
        return -np.sum(Y * np.log(P)) / len(X) + 0.5 * self.l2 * np.sum(self.coef_ ** 2)

    def _gradient(self, X, Y):
        P = self._softmax(X @ self.coef_ + self.intercept_)
        diff = P - Y
        grad_coef = X.T @ diff / len(X) + self.l2 * self.coef_
        grad_intercept = diff.mean(axis=0)
        return grad_coef, grad_intercept

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        Y = self._one_hot(y)
        rng = np.random.RandomState(0)
        self.coef_ = 0.01 * rng.randn(X.shape[1], len(self.classes_))
        self.intercept_ = np.zeros(len(self.classes_))
        self.history_ = []
        for _ in range(self.n_iter):
            self.history_.append(self._loss(X, Y))
            grad_coef, grad_intercept = self._gradient(X, Y)
            self.coef_ -= self.lr * grad_coef
            self.intercept_ -= self.lr * grad_intercept
        return self

    def predict_proba(self, X):
        return self._softmax(X @ self.coef_ + self.intercept_)

    def predict(self, X):
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


if __name__ == '__main__':
    X, y = load_iris(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)
    clf = SoftmaxRegression(lr=0.05, n_iter=5000).fit(X_train, y_train)
    print('accuracy:', (clf.predict(X_test) == y_test).mean())
