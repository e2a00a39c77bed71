# %% [markdown] lang="en"
# # 1. The lecture's script
#
# ## Introduction
#
# The lecture trains a small GAN on handwritten digits in plain MindSpore, with one script from top
# to bottom. Here you run such a script as it is, with its faults. You read the line that it prints,
# `loss d:..., loss g:...`, and you see the line of a run that is dead.
#
# The lecture's own file is not part of this project. The script below was written anew, in the
# lecture's way: its networks, its loss, its optimizers and its line. It also has the lecture's
# habits, good and bad.
#
# ## Aims
#
# After this part you can
#
# - name the parts of a GAN's training script, and say what each does,
# - read the line of losses,
# - find habits in a script that make its runs hard to compare or to repeat,
# - recognise a run that is dead, and say which number proves it.
#
# ## What to know
#
# - The generator G draws an image from a latent code z, which is a vector of 100 random numbers.
# - The discriminator D gets an image and says with which probability p it is real.
# - D's loss is -ln p on a real image, and -ln(1 - p) on a generated one. D wants both to be small.
# - G's loss is -ln p on its own image. G wants D to call it real.
# - One step updates D once and G once, on one batch. The optimizer (here Adam) changes the
#   weights so that the loss falls, and the learning rate says by how much. One epoch goes once over
#   all images.
# - The last layer of D is a sigmoid. It turns any number (a logit) into a probability from 0 to 1.
#
# ## Environment
#
# Python with MindSpore, as `make course` installs it, and two cores. No network is needed: the
# images are scikit-learn's 1,797 real digits, which come with the project. They are brought into
# the form of MNIST, and every sixth is held out for tests. The longest cell takes about a minute.
# %% [markdown] lang="zh"
# # 1. 课程脚本
#
# ## 实验介绍
#
# 课程用一个从头写到尾的 MindSpore 脚本，在手写数字上训练一个小 GAN。本实验原样运行这样一个脚本，
# 连同它的毛病。你将学会看它打印的 `loss d:..., loss g:...`，也会看到训练“死掉”时这一行是什么样子。
#
# 课程的原始文件不在本项目中。下面的脚本是按课程的写法重新写的：网络、损失、优化器和打印的
# 那一行都与课程一致，好习惯和坏习惯也都保留。
#
# ## 实验目的
#
# 完成本实验后，你能够：
#
# - 说出 GAN 训练脚本由哪几部分组成，各做什么；
# - 看懂打印出来的两个损失；
# - 找出脚本中让训练难以比较、难以重复的写法；
# - 认出已经“死掉”的训练，并指出是哪个数说明了这一点。
#
# ## 预备知识
#
# - 生成器 G 由隐码 z 画出一张图像。隐码是 100 个随机数组成的向量。
# - 判别器 D 看一张图像，给出“它是真的”的概率 p。
# - D 在真实图像上的损失是 -ln p，在生成图像上是 -ln(1 - p)。D 希望两者都小。
# - G 在自己所画图像上的损失是 -ln p。G 希望 D 把它当成真的。
# - 一步用一批图像，把 D 和 G 各更新一次：优化器（这里是 Adam）沿着让损失变小的方向改变权重，
#   每次改变多少由学习率决定。一轮把全部图像过一遍。
# - D 的最后一层是 sigmoid，它把任意一个数（logit）变成 0 到 1 之间的概率。
#
# ## 实验环境
#
# 装有 MindSpore 的 Python，即 `make course` 装好的环境；两个 CPU 核。不需要联网：图像用的是
# scikit-learn 的 1,797 张真实手写数字，随项目附带，已处理成 MNIST 的格式，每六张留出一张作测试。
# 最久的单元运行约一分钟。
# %% lang="en"
from stages.tools.course.session import begin

course = begin(1, "en")
# %% lang="zh"
from stages.tools.course.session import begin

course = begin(1, "zh")
# %% tags=["parameters"]
epochs = 20
dead_epochs = 4
# %% [markdown] lang="en"
# ## Steps
#
# First the data. The next cell writes the digits as MNIST's four files into a folder that is
# removed in the end. The cell after it reads them as the lecture does.
# %% [markdown] lang="zh"
# ## 实验步骤
#
# 先准备数据。下面的单元把数字写成 MNIST 的四个文件，放进一个临时目录；
# 再下一个单元按课程的方式读取。
# %%
import tempfile
from pathlib import Path

from stages.gan.data.raw.idx import bundled

scratch = tempfile.TemporaryDirectory()
bundled.make(Path(scratch.name), None, None)
print(sorted(path.name for path in Path(scratch.name).iterdir()))
# %%
import numpy as np

with open(Path(scratch.name) / "train-images-idx3-ubyte", "rb") as file:
    count, height, width = np.frombuffer(file.read(16), ">u4")[1:]
    pixels = np.frombuffer(file.read(), np.uint8).reshape(count, height * width)
images = (pixels.astype(np.float32) - 127.5) / 127.5
print(images.shape, images.min(), images.max())
# %% [markdown] lang="en"
# ### Task 1: steps of an epoch
#
# The script takes batches of 128 images. An incomplete last batch is dropped. How many steps has
# one epoch?
# %% [markdown] lang="zh"
# ### 任务 1：一轮有多少步
#
# 脚本每批取 128 张图像，最后不足一批的丢掉。一轮有多少步？
# %%
steps = len(images) // 128  # SOLUTION
course.answer("steps_of_an_epoch", steps)
# %% [markdown] lang="en"
# Now the script itself. Read it before you run it: tasks 2 and 3 ask about it.
# %% [markdown] lang="zh"
# 下面就是脚本本身。运行之前先读一遍：任务 2 和任务 3 会问到它。
# %%
import mindspore as ms
from mindspore import Tensor, nn, ops

batch_size, latent_size = 128, 100


def generator():
    layers = [nn.Dense(latent_size, 128), nn.ReLU()]
    for before, after in ((128, 256), (256, 512), (512, 1024)):
        layers += [nn.Dense(before, after), nn.BatchNorm1d(after), nn.ReLU()]
    return nn.SequentialCell(*layers, nn.Dense(1024, 784), nn.Tanh())


def discriminator():
    return nn.SequentialCell(
        nn.Dense(784, 512),
        nn.LeakyReLU(0.2),
        nn.Dense(512, 256),
        nn.LeakyReLU(0.2),
        nn.Dense(256, 1),
        nn.Sigmoid(),
    )


def noise(count):
    return Tensor(np.random.standard_normal((count, latent_size)).astype(np.float32))


def train(epochs, learning_rate):
    G, D = generator(), discriminator()
    G.set_train()
    D.set_train()
    optimizer_g = nn.Adam(G.trainable_params(), learning_rate, beta1=0.5, beta2=0.999)
    optimizer_d = nn.Adam(D.trainable_params(), learning_rate, beta1=0.5, beta2=0.999)
    bce = nn.BCELoss(reduction="mean")

    def loss_d(real, z):
        on_real, on_fake = D(real), D(G(z))
        real_loss = bce(on_real, ops.ones_like(on_real))
        fake_loss = bce(on_fake, ops.zeros_like(on_fake))
        return (real_loss + fake_loss) / 2

    def loss_g(z):
        on_fake = D(G(z))
        return bce(on_fake, ops.ones_like(on_fake))

    gradients_d = ms.value_and_grad(loss_d, None, optimizer_d.parameters)
    gradients_g = ms.value_and_grad(loss_g, None, optimizer_g.parameters)
    grids = []
    for epoch in range(epochs):
        order = np.random.permutation(len(images))
        for start in range(0, len(images) - batch_size + 1, batch_size):
            real = Tensor(images[order[start : start + batch_size]])
            d, gradients = gradients_d(real, noise(batch_size))
            optimizer_d(gradients)
            g, gradients = gradients_g(noise(batch_size))
            optimizer_g(gradients)
        print(f"epoch {epoch + 1}: loss d:{float(d.asnumpy()):f}, loss g:{float(g.asnumpy()):f}")
        fixed_noise = noise(25)
        grids.append(G(fixed_noise).asnumpy().reshape(5, 5, 28, 28))
    ms.save_checkpoint(G, str(Path(scratch.name) / "generator.ckpt"))
    return grids


# %% [markdown] lang="en"
# ### Task 2: the line at equilibrium
#
# Suppose that D gives the probability 1/2 to every image, because it cannot tell real from
# generated. Which number does this script print after `loss d:`? Compute it, and look closely at
# the last line of `loss_d`.
# %% [markdown] lang="zh"
# ### 任务 2：均衡时打印什么
#
# 假设 D 分不出真假，对每张图像都给出概率 1/2。这个脚本在 `loss d:` 后面会打印多少？
# 请算出来，并留意 `loss_d` 的最后一行。
# %%
d_at_half = (-np.log(0.5) - np.log(1 - 0.5)) / 2  # SOLUTION
course.answer("d_at_half", d_at_half)
# %% [markdown] lang="en"
# Now train, with the lecture's learning rate. It takes about a minute. The pictures show what G
# draws after the first and after the last epoch.
# %% [markdown] lang="zh"
# 现在用课程的学习率训练，大约一分钟。图中是第一轮之后和最后一轮之后 G 画出的数字。
# %%
grids = train(epochs, learning_rate=0.0002)
# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(8, 4))
for axis, grid, title in zip(axes, (grids[0], grids[-1]), ("first", "last"), strict=True):
    axis.imshow(grid.transpose(0, 2, 1, 3).reshape(140, 140), cmap="gray")
    axis.set_title(f"{title} epoch")
    axis.axis("off")
plt.show()
# %% [markdown] lang="en"
# After so few epochs the digits are rough: the lecture trains for 200 epochs, on 60,000 images.
#
# ### Task 3: habits of the script
#
# Which of these statements are true of the script above? Give all their letters, such as `"A, C"`.
#
# - A: The grids of two epochs show different latent codes, though a name says `fixed_noise`.
# - B: Two runs of the script use the images in different orders.
# - C: G's images and the real images have different ranges of values.
# - D: From the saved file a run can go on just as if it had never been stopped.
# - E: The number after `loss d:` is the mean of D's two terms, not their sum.
# %% [markdown] lang="zh"
# 轮数这么少，数字还很粗糙：课程在 60,000 张图像上训练 200 轮。
#
# ### 任务 3：脚本里的写法
#
# 关于上面的脚本，哪些说法是对的？写出全部字母，例如 `"A, C"`。
#
# - A：变量名虽叫 `fixed_noise`，两轮的样本网格用的却是不同的隐码。
# - B：脚本运行两次，使用图像的顺序不同。
# - C：G 所画图像与真实图像的取值范围不同。
# - D：从保存的文件可以继续训练，结果与从未中断过完全一样。
# - E：`loss d:` 后面的数是 D 两项损失的平均，而不是它们的和。
# %%
habits = "A, B, E"  # SOLUTION
course.answer("habits", habits)
# %% [markdown] lang="en"
# ### Task 4: a run that is dead
#
# Now the same with a learning rate that is fifty times as large. The lecture's run on faces printed
# one line for two hours: `loss d:13.815511, loss g:-0.000000`. Watch what comes after some epochs,
# and read the number at which `loss d:` stays. (Some last digits may still move.)
#
# If your run ends with another line than the lecture's, run the cell again: nothing is seeded here.
# %% [markdown] lang="zh"
# ### 任务 4：死掉的训练
#
# 现在把学习率放大到五十倍，其余不变。课程在头像上训练时，两个小时里只打印同一行：
# `loss d:13.815511, loss g:-0.000000`。看看几轮之后打印什么，读出 `loss d:` 停在哪个数上
# （末尾几位可能还在动）。
#
# 如果最后打印的与课程的那一行不同，就再运行一次这个单元：这里没有固定随机种子。
# %%
dead = train(dead_epochs, learning_rate=0.01)
# %%
stuck_at = -np.log(1e-12) / 2  # SOLUTION
course.answer("stuck_at", stuck_at)
# %% [markdown] lang="en"
# ### Task 5: where the number comes from
#
# D's loss on a generated image is -ln(1 - p). If p is exactly 1, this is infinite. So
# `nn.BCELoss` adds a tiny number 1e-k before it takes the logarithm. Find k from the number of
# task 4. Remember that the script halves the sum, and that D is right about all real images here.
# %% [markdown] lang="zh"
# ### 任务 5：这个数从哪里来
#
# D 在生成图像上的损失是 -ln(1 - p)。p 恰好为 1 时它是无穷大，所以 `nn.BCELoss` 在取对数之前会加上
# 一个很小的数 1e-k。由任务 4 的那个数求出 k。别忘了脚本把两项之和除以 2，而且此时 D 对真实图像
# 全都判断正确。
# %%
k = round(-np.log10(np.exp(-2 * stuck_at)))  # SOLUTION
course.answer("epsilon", k)
# %% [markdown] lang="en"
# ### Task 6: what `loss g:-0.000000` says
#
# - A: G has learned to draw perfectly.
# - B: D is certain that each of G's images is real. So G has nothing to gain.
# - C: D recognises each of G's images.
# - D: G and D are at equilibrium.
# %% [markdown] lang="zh"
# ### 任务 6：`loss g:-0.000000` 说明什么
#
# - A：G 已经画得完美。
# - B：D 断定 G 的每张图像都是真的，所以 G 怎么改，损失都不会再变小。
# - C：G 的每张图像 D 都能认出来。
# - D：G 和 D 达到了均衡。
# %%
says = "B"  # SOLUTION
course.answer("what_minus_zero_says", says)
# %%
figure, axis = plt.subplots(figsize=(3, 3))
axis.imshow(dead[-1].transpose(0, 2, 1, 3).reshape(140, 140), cmap="gray")
axis.axis("off")
plt.show()
scratch.cleanup()
# %% [markdown] lang="en"
# ## Summary
#
# - The script's line prints half of D's sum, and G's loss. At equilibrium both are ln 2.
# - The script draws new codes for each grid, shuffles without a seed, and keeps only G's weights.
#   So its runs cannot be compared, repeated or continued exactly. Part 2 does the same with a
#   pipeline that can.
# - In the dead run D calls every image real, with certainty. Half of -ln 1e-12 is 13.815511. Part 4
#   explains why no gradient is left, and mends the run in three ways.
#
# Check this part from a terminal: `python -m stages course check 1`.
# %% [markdown] lang="zh"
# ## 实验小结
#
# - 脚本打印的是 D 总损失的一半，以及 G 的损失。均衡时两者都等于 ln 2。
# - 脚本每次画网格都换新隐码，打乱顺序时不设种子，只保存 G 的权重。所以它的训练没法严格地比较、
#   重复和继续。实验 2 用流水线做同样的事，就都可以了。
# - 训练死掉时，D 断定每张图像都是真的。-ln 1e-12 的一半是 13.815511。实验 4 解释为什么一点梯度
#   都不剩，并用三种办法修好它。
#
# 在终端检查本实验：`python -m stages course check 1`。
