import numpy as np
import pandas as pd
import matplotlib.pyplot as plt

# -------- data --------
df = pd.read_csv('housing.csv').dropna()
y = df[['median_house_value']].values / 100000.0
X = df.drop(columns=['median_house_value', 'ocean_proximity']).values
X = (X - X.mean(0)) / X.std(0)

n_features = X.shape[1]
n_hidden = 16
rng = np.random.default_rng(0)

# -------- parameters --------
params = {
    'W1': rng.normal(0, 1 / np.sqrt(n_features), (n_features, n_hidden)),
    'b1': np.zeros((1, n_hidden)),
    'W2': rng.normal(0, 1 / np.sqrt(n_hidden), (n_hidden, 1)),
    'b2': np.zeros((1, 1)),
}

def forward(X, params):
    Z1 = X @ params['W1'] + params['b1']
    A1 = np.tanh(Z1)
    y_hat = A1 @ params['W2'] + params['b2']    # linear output
    return y_hat, A1

def mse(y_hat, y):
    return np.mean((y_hat - y) ** 2)

def backward(X, y, y_hat, A1, params):
    n = len(X)
    d_out = 2 * (y_hat - y) / n
    grads = {}
    grads['W2'] = A1.T @ d_out
    grads['b2'] = d_out.sum(axis=0, keepdims=True)
    d_hid = d_out @ params['W2'].T * (1 - A1 ** 2)
    grads['W1'] = X.T @ d_hid
    grads['b1'] = d_hid.sum(axis=0, keepdims=True)
    return grads

lr = 0.05
losses = []
for epoch in range(2000):
    y_hat, A1 = forward(X, params)
    losses.append(mse(y_hat, y))
    grads = backward(X, y, y_hat, A1, params)
    for k in params:
        params[k] -= lr * grads[k]
    if epoch % 100 == 0:
        print(f'{epoch:5d}  mse = {losses[-1]:.4f}')

plt.plot(losses)
plt.xlabel('epoch'); plt.ylabel('MSE')
plt.savefig('loss.png')
