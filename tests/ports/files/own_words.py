# a Dataset that gives dictionaries, one-hot labels, loaded in functions
import numpy as np
import torch
from torch.utils.data import Dataset, DataLoader, random_split


def load_images(path):
    with open(path, "rb") as f:
        data = np.frombuffer(f.read(), dtype=np.uint8, offset=16)
    return data.reshape(-1, 28, 28)


def load_labels(path):
    with open(path, "rb") as f:
        return np.frombuffer(f.read(), dtype=np.uint8, offset=8)


class MnistDataset(Dataset):
    def __init__(self, image_file, label_file, n_classes=10):
        super(MnistDataset, self).__init__()
        self.images = load_images(image_file)
        self.labels = load_labels(label_file)
        self.n_classes = n_classes
        self.mean, self.std = 0.1307, 0.3081

    def __len__(self):
        return self.images.shape[0]

    def one_hot(self, label):
        v = torch.zeros(self.n_classes)
        v[int(label)] = 1.0
        return v

    def __getitem__(self, i):
        img = self.images[i].astype(np.float32) / 255
        img = (img - self.mean) / self.std
        return {"image": torch.from_numpy(img.reshape(-1)), "label": self.one_hot(self.labels[i])}


def get_loaders(batch_size):
    data = MnistDataset("train-images.idx3-ubyte", "train-labels.idx1-ubyte")
    train, val = random_split(data, [50000, 10000])
    return DataLoader(train, batch_size=batch_size, shuffle=True, drop_last=True), DataLoader(val, batch_size=batch_size)


net = torch.nn.Sequential(torch.nn.Linear(784, 30), torch.nn.Sigmoid(), torch.nn.Linear(30, 10), torch.nn.Sigmoid())
opt = torch.optim.SGD(net.parameters(), lr=3.0)
mse = torch.nn.MSELoss()
train_loader, val_loader = get_loaders(10)
for epoch in range(30):
    for batch in train_loader:
        x, y = batch["image"], batch["label"]
        loss = mse(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
