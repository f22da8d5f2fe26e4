"""
Assignment 2, question 3: implement an MLP for regression and check its gradients.

My gradient check fails with a relative error of exactly 0.333 for ALL parameters??
"""
import numpy as np


def relu(x):
    return np.maximum(0, x)


def mlp_forward(theta, X):
    cache = {'X': X}
    cache['pre'] = np.einsum('ni,hi->nh', X, theta['V']) + theta['c']
    cache['hid'] = relu(cache['pre'])
    cache['out'] = np.einsum('nh,oh->no', cache['hid'], theta['U']) + theta['d']
    return cache['out'], cache


def mse_loss(theta, X, T):
    out, _ = mlp_forward(theta, X)
    return np.mean(np.sum((out - T) ** 2, axis=1))


def mlp_backward(theta, cache, T):
    n = T.shape[0]
    d_out = (cache['out'] - T) / n
    grad = {}
    grad['U'] = np.einsum('no,nh->oh', d_out, cache['hid'])
    grad['d'] = d_out.sum(axis=0)
    d_pre = np.einsum('no,oh->nh', d_out, theta['U']) * (cache['pre'] > 0)
    grad['V'] = np.einsum('nh,ni->hi', d_pre, cache['X'])
    grad['c'] = d_pre.sum(axis=0)
    return grad


def gradient_check(theta, X, T, eps=1e-5):
    _, cache = mlp_forward(theta, X)
    grad = mlp_backward(theta, cache, T)
    for name in theta:
        numeric = np.zeros_like(theta[name])
        it = np.nditer(theta[name], flags=['multi_index'])
        for _ in it:
            ix = it.multi_index
            old = theta[name][ix]
            theta[name][ix] = old + eps
            plus = mse_loss(theta, X, T)
            theta[name][ix] = old - eps
            minus = mse_loss(theta, X, T)
            theta[name][ix] = old
            numeric[ix] = (plus - minus) / (2 * eps)
        rel = np.linalg.norm(grad[name] - numeric) / np.linalg.norm(grad[name] + numeric)
        print(name, 'relative error', rel, 'OK' if rel < 1e-6 else 'FAIL')


def new_theta(n_in, n_hid, n_out, seed=7):
    r = np.random.RandomState(seed)
    return {'V': r.normal(0, 0.3, (n_hid, n_in)), 'c': r.normal(0, 0.3, n_hid),
            'U': r.normal(0, 0.3, (n_out, n_hid)), 'd': r.normal(0, 0.3, n_out)}


if __name__ == '__main__':
    r = np.random.RandomState(0)
    X, T = r.normal(size=(12, 5)), r.normal(size=(12, 2))
    theta = new_theta(5, 8, 2)
    gradient_check(theta, X, T)

    for i in range(200):
        out, cache = mlp_forward(theta, X)
        grad = mlp_backward(theta, cache, T)
        for name in theta:
            theta[name] -= 0.05 * grad[name]
    print('final loss', mse_loss(theta, X, T))
