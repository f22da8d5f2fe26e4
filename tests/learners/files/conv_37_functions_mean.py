import numpy as np

def conv2d(X, K, b, stride=1, padding=0):
    n, h, w, c = X.shape
    kh, kw, _, f = K.shape
    Xp = np.pad(X, ((0,0),(padding,padding),(padding,padding),(0,0)))
    oh = (h + 2*padding - kh)//stride + 1
    ow = (w + 2*padding - kw)//stride + 1
    out = np.zeros((n, oh, ow, f))
    for i in range(oh):
        for j in range(ow):
            patch = Xp[:, i*stride:i*stride+kh, j*stride:j*stride+kw, :]
            out[:, i, j, :] = np.tensordot(patch, K, axes=([1,2,3],[0,1,2])) + b
    return out

def conv2d_backward(dout, X, K, b, stride=1, padding=0):
    kh, kw, _, f = K.shape
    Xp = np.pad(X, ((0,0),(padding,padding),(padding,padding),(0,0)))
    dXp = np.zeros_like(Xp)
    dK = np.zeros_like(K)
    db = dout.sum(axis=(0,1,2))
    for i in range(dout.shape[1]):
        for j in range(dout.shape[2]):
            patch = Xp[:, i*stride:i*stride+kh, j*stride:j*stride+kw, :]
            dK += np.tensordot(patch, dout[:, i, j, :], axes=([0],[0]))
            dXp[:, i*stride:i*stride+kh, j*stride:j*stride+kw, :] += np.tensordot(dout[:, i, j, :], K, axes=([1],[3]))
    dX = dXp[:, padding:dXp.shape[1]-padding, padding:dXp.shape[2]-padding, :]
    return dX, dK / len(X), db / len(X)

def maxpool(X, size=2):
    n, h, w, c = X.shape
    out = X.reshape(n, h//size, size, w//size, size, c).max(axis=(2, 4))
    return out

def maxpool_backward(dout, X, size=2):
    up = dout.repeat(size, axis=1).repeat(size, axis=2)
    m = maxpool(X, size).repeat(size, axis=1).repeat(size, axis=2)
    return up * (X == m)
