# coding: utf-8
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    if x.ndim == 2:
        x = x.T
        x = x - np.max(x, axis=0)
        y = np.exp(x) / np.sum(np.exp(x), axis=0)
        return y.T
    x = x - np.max(x)
    return np.exp(x) / np.sum(np.exp(x))


def jiaochashang(y, t):
    """交叉熵误差"""
    if y.ndim == 1:
        t = t.reshape(1, t.size)
        y = y.reshape(1, y.size)
    if t.size == y.size:
        t = t.argmax(axis=1)
    batch_size = y.shape[0]
    return -np.sum(np.log(y[np.arange(batch_size), t] + 1e-7)) / batch_size


class ErCengWangLuo:
    """两层神经网络"""

    def __init__(self, shuru, yincang, shuchu, quanzhong_std=0.01):
        self.canshu = {}
        self.canshu['W1'] = quanzhong_std * np.random.randn(shuru, yincang)
        self.canshu['b1'] = np.zeros(yincang)
        self.canshu['W2'] = quanzhong_std * np.random.randn(yincang, shuchu)
        self.canshu['b2'] = np.zeros(shuchu)

    def yuce(self, x):
        W1, W2 = self.canshu['W1'], self.canshu['W2']
        b1, b2 = self.canshu['b1'], self.canshu['b2']
        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        return softmax(a2)

    def sunshi(self, x, t):
        y = self.yuce(x)
        return jiaochashang(y, t)

    def zhengquelv(self, x, t):
        y = np.argmax(self.yuce(x), axis=1)
        t = np.argmax(t, axis=1)
        return np.sum(y == t) / float(x.shape[0])

    def tidu(self, x, t):
        W1, W2 = self.canshu['W1'], self.canshu['W2']
        b1, b2 = self.canshu['b1'], self.canshu['b2']
        tidu = {}
        shuliang = x.shape[0]
        # qianxiang
        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        y = softmax(a2)
        # fanxiang
        dy = (y - t) / shuliang
        tidu['W2'] = np.dot(z1.T, dy)
        tidu['b2'] = np.sum(dy, axis=0)
        da1 = np.dot(dy, W2.T)
        dz1 = (1.0 - sigmoid(a1)) * sigmoid(a1) * da1
        tidu['W1'] = np.dot(x.T, dz1)
        tidu['b1'] = np.sum(dz1, axis=0)
        return tidu


if __name__ == '__main__':
    from dataset.mnist import load_mnist
    (x_train, t_train), (x_test, t_test) = load_mnist(normalize=True, one_hot_label=True)
    wangluo = ErCengWangLuo(784, 50, 10)
    xuexilv = 0.1
    for i in range(10000):
        suoyin = np.random.choice(x_train.shape[0], 100)
        tidu = wangluo.tidu(x_train[suoyin], t_train[suoyin])
        for key in ('W1', 'b1', 'W2', 'b2'):
            wangluo.canshu[key] -= xuexilv * tidu[key]
