import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader
from tensorflow.keras.datasets import mnist


class DigitData(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = torch.tensor(self.images[index], dtype=torch.float32).flatten() / 255.0
        label = torch.tensor(self.labels[index], dtype=torch.long)
        return image, label


(x_train, y_train), (x_test, y_test) = mnist.load_data()
train_loader = DataLoader(DigitData(x_train, y_train), batch_size=32, shuffle=True)
test_loader = DataLoader(DigitData(x_test, y_test), batch_size=32)

model = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def main():
    for epoch in range(5):
        for images, labels in train_loader:
            pred = model(images)
            loss = loss_fn(pred, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
