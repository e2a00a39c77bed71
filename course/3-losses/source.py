# %% [markdown] lang="en"
# # 3. Losses and their equilibrium
#
# ## Introduction
#
# Part 1 printed two losses, and part 2 printed their distance from equilibrium. This part explains
# both numbers. You write the binary cross-entropy in two forms, find the point at which the
# discriminator D can do no better, and see where the form with a sigmoid breaks.
#
# ## Aims
#
# After this part you can
#
# - compute a cross-entropy by hand, from a probability and from a logit,
# - say what a loss is at equilibrium, and why it is not 0,
# - find the equilibrium of another loss,
# - say what a value of D's loss proves about the images, and what it does not prove.
#
# ## What to know
#
# - D looks at an image and gives a logit s, any number. The probability of "real" is
#   p = sigmoid(s) = 1 / (1 + exp(-s)).
# - The label y is 1 for a real image and 0 for a generated one.
# - Binary cross-entropy is L = -[y ln p + (1 - y) ln(1 - p)], in nats. It is the price of the
#   answer p: nothing if p equals y, and without limit if D is certain and wrong.
# - D minimises the sum of its loss on real images and its loss on generated images.
#   The generator G minimises D's loss with the label 1 on G's own images.
#
# More: docs/losses.md.
#
# ## Environment
#
# Python with NumPy and MindSpore, as `make course` installs it. This part needs no data and no
# training. Every cell takes a few seconds; the one after task 5 compiles first, about 20.
# %% [markdown] lang="zh"
# # 3. 损失函数与均衡点
#
# ## 实验介绍
#
# 实验 1 打印了两个损失，实验 2 打印了它们离均衡点的距离。本实验讲清楚这两种数是怎么来的。
# 你将用两种形式写出二元交叉熵，找到判别器 D 无法做得更好的那一点，再看看带 sigmoid 的形式
# 在哪里失效。
#
# ## 实验目的
#
# 完成本实验后，你能够：
#
# - 由概率和由 logit 两种方式手算交叉熵；
# - 说出均衡时损失是多少，以及为什么不是 0；
# - 求出其他损失函数的均衡点；
# - 说明 D 的损失值能证明什么、不能证明什么。
#
# ## 预备知识
#
# - D 看一张图，给出 logit s，它可以是任意实数。“这张图是真的”的概率是
#   p = sigmoid(s) = 1 / (1 + exp(-s))。
# - 标签 y：真实图像为 1，生成图像为 0。
# - 二元交叉熵 L = -[y ln p + (1 - y) ln(1 - p)]，单位是奈特（nat）。它是回答 p 要付出的代价：
#   p 等于 y 时为 0；回答得很肯定却错了，代价没有上限。
# - D 让“真实图像上的损失”与“生成图像上的损失”之和尽量小。
#   生成器 G 则让 D 在它所画图像上、标签取 1 时的损失尽量小。
#
# 更多内容见 [docs/losses.zh-CN.md](../../docs/losses.zh-CN.md)。
#
# ## 实验环境
#
# 装有 NumPy 和 MindSpore 的 Python，即 `make course` 装好的环境。本实验不用数据，也不训练，
# 每个单元几秒内运行完；任务 5 之后的那个要先编译，约二十秒。
# %% lang="en"
from stages.tools.course.session import begin

course = begin(3, "en")
# %% lang="zh"
from stages.tools.course.session import begin

course = begin(3, "zh")
# %% [markdown] lang="en"
# ## Steps
#
# ### Task 1: cross-entropy of a probability
#
# D gives a real image the probability 0.9, and a generated image the probability 0.1. Write the
# cross-entropy, and then compute D's sum: its loss on this real image plus its loss on this
# generated image.
# %% [markdown] lang="zh"
# ## 实验步骤
#
# ### 任务 1：由概率计算交叉熵
#
# D 给一张真实图像的概率是 0.9，给一张生成图像的概率是 0.1。写出交叉熵函数，再计算 D 的总损失：
# 这张真实图像上的损失，加上这张生成图像上的损失。
# %%
import numpy as np


def cross_entropy(p, y):
    # BEGIN SOLUTION
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))
    # END SOLUTION


# %%
d_sum = cross_entropy(0.9, 1) + cross_entropy(0.1, 0)  # SOLUTION
course.answer("confident_sum", d_sum)


# %% [markdown] lang="en"
# ### Task 2: the same on the logit
#
# Put p = sigmoid(s) into the formula and simplify it. The result is softplus(s) - y s, with
# softplus(s) = ln(1 + exp(s)). `np.logaddexp(0, s)` computes softplus without overflow.
#
# Write it. Then compute D's loss on a generated image (y = 0) to which D gives the logit 40.
# The next cell compares both forms: they agree for moderate logits, and only one of them still
# works at 40.
# %% [markdown] lang="zh"
# ### 任务 2：直接由 logit 计算
#
# 把 p = sigmoid(s) 代入公式并化简，得到 softplus(s) - y s，其中 softplus(s) = ln(1 + exp(s))。
# `np.logaddexp(0, s)` 计算 softplus，不会溢出。
#
# 写出这个函数，再计算：一张生成图像（y = 0）被 D 给了 logit 40，D 的损失是多少？
# 后面的单元把两种形式放在一起比较：logit 不大时两者一致，到了 40 就只有一种还能用。
# %%
def cross_entropy_of_logit(s, y):
    # BEGIN SOLUTION
    return np.logaddexp(0, s) - y * s
    # END SOLUTION


# %%
loss_at_40 = cross_entropy_of_logit(40.0, 0)  # SOLUTION
course.answer("loss_at_40", loss_at_40)
# %%
for s in (-2.0, 0.0, 5.0, 40.0):
    with np.errstate(divide="ignore"):
        on_probability = cross_entropy(1 / (1 + np.exp(-s)), 0)
    print(f"logit {s:5}: {on_probability} {cross_entropy_of_logit(s, 0)}")
# %% [markdown] lang="en"
# ### Task 3: the equilibrium
#
# Suppose that G draws perfectly: each generated image could just as well be a real one. D cannot
# tell them apart, so it gives the same p to all images. Draw D's sum, L(p, 1) + L(p, 0), for p
# from 0 to 1. Where is it lowest, and how low is it? Then compute G's loss at that p.
# %% [markdown] lang="zh"
# ### 任务 3：均衡点
#
# 假设 G 已经画得完美：随便拿一张图，说它是真的、说它是生成的，都一样有道理。D 分不出真假，
# 只好对每张图给同一个 p。
# 画出 p 从 0 到 1 时 D 的总损失 L(p, 1) + L(p, 0)。它在哪里最小，最小值是多少？
# 再算出此时 G 的损失。
# %%
import matplotlib.pyplot as plt

p = np.linspace(0.01, 0.99, 981)
plt.plot(p, cross_entropy(p, 1) + cross_entropy(p, 0))
plt.xlabel("p")
plt.ylabel("D: L(p, 1) + L(p, 0)")
plt.show()
# %%
lowest = np.min(cross_entropy(p, 1) + cross_entropy(p, 0))  # SOLUTION
course.answer("equilibrium_sum", lowest)
# %%
g_loss = cross_entropy(0.5, 1)  # SOLUTION
course.answer("equilibrium_of_g", g_loss)
# %% [markdown] lang="en"
# ### Task 4: another loss, another equilibrium
#
# One-sided label smoothing changes D's label of real images from 1 to 0.9. The label 0 of generated
# images stays. Find the p at which D's sum, L(p, 0.9) + L(p, 0), is lowest now.
#
# It is not 1/2. That is why this project computes the equilibrium from the loss in use, and never
# writes 0.693 down.
# %% [markdown] lang="zh"
# ### 任务 4：换一种损失，均衡点也会变
#
# 单侧标签平滑把 D 在真实图像上的标签从 1 改成 0.9，生成图像的标签仍是 0。
# 求此时让 D 的总损失 L(p, 0.9) + L(p, 0) 最小的 p。
#
# 它不是 1/2。所以本项目总是根据实际使用的损失计算均衡点，从不把 0.693 写死。
# %%
best_p = p[np.argmin(cross_entropy(p, 0.9) + cross_entropy(p, 0))]  # SOLUTION
course.answer("smoothed_p", best_p)
# %% [markdown] lang="en"
# ### Task 5: where the sigmoid ends
#
# A float32 has 24 bits of precision. From some whole logit on, sigmoid(s) is rounded to exactly 1.
# Find the smallest whole logit for which this happens. Compute in float32, as MindSpore does.
# %% [markdown] lang="zh"
# ### 任务 5：sigmoid 的尽头
#
# float32 只有 24 位精度。logit 大到某个整数时，sigmoid(s) 会被舍入成恰好等于 1。
# 求出满足这一点的最小整数 logit。请像 MindSpore 一样用 float32 计算。
# %%
logits = np.arange(1, 40, dtype=np.float32)
sigmoids = np.float32(1) / (np.float32(1) + np.exp(-logits))
# %%
first_one = int(logits[sigmoids == 1][0])  # SOLUTION
course.answer("first_logit_of_one", first_one)
# %% [markdown] lang="en"
# From there on, MindSpore's `nn.BCELoss` on a generated image stands still. The next cell prints
# the loss and its gradient at two logits: for `nn.BCELoss` after a sigmoid, and for
# `nn.BCEWithLogitsLoss`, which gets the logit itself.
# %% [markdown] lang="zh"
# 从那里开始，MindSpore 的 `nn.BCELoss` 在生成图像上就不再变化。下一个单元在两个 logit 上打印
# 损失和梯度：先是 sigmoid 之后的 `nn.BCELoss`，再是直接接收 logit 的 `nn.BCEWithLogitsLoss`。
# %%
import mindspore as ms
from mindspore import Tensor, nn, ops

generated = Tensor(np.zeros(2, np.float32))


def on_probability(s):
    return nn.BCELoss()(ops.sigmoid(s), generated)


def on_logit(s):
    return nn.BCEWithLogitsLoss()(s, generated)


for s in (10.0, 30.0):
    for form in (on_probability, on_logit):
        value, gradient = ms.value_and_grad(form)(Tensor(np.full(2, s, np.float32)))
        print(f"logit {s}: {form.__name__:14} loss {value}, gradient {gradient.sum()}")
# %% [markdown] lang="en"
# ### Task 6: what a loss proves
#
# Let L_D be D's sum. For any discriminator, JSD(real, generated) >= ln 2 - L_D / 2. JSD is the
# Jensen-Shannon divergence, which is 0 if both kinds of image have one distribution.
#
# Compute the smallest JSD that L_D = 0.5 proves.
#
# Then think: a run ends with L_D = 1.386. Which of these statements is true?
#
# - A: The generated images are as good as real ones.
# - B: Nothing is proven. The images may be good, or D may be weak.
# - C: D has won: it can tell every generated image.
# - D: JSD is exactly 0.
# %% [markdown] lang="zh"
# ### 任务 6：损失能证明什么
#
# 设 L_D 为 D 的总损失。对任何判别器都有 JSD(真实, 生成) >= ln 2 - L_D / 2。
# JSD 是 Jensen-Shannon 散度，两类图像同分布时为 0。
#
# 计算：L_D = 0.5 时，JSD 至少是多少？
#
# 再想一想：一次训练结束时 L_D = 1.386，下面哪句话是对的？
#
# - A：生成的图像和真实图像一样好。
# - B：什么也证明不了。可能图像画得好，也可能 D 太弱。
# - C：D 赢了，每张生成图像它都认得出来。
# - D：JSD 恰好为 0。
# %%
smallest_jsd = np.log(2) - 0.5 / 2  # SOLUTION
course.answer("jsd_of_half", smallest_jsd)
# %%
statement = "B"  # SOLUTION
course.answer("what_1386_proves", statement)
# %% [markdown] lang="en"
# ## Summary
#
# - Both forms of cross-entropy are one function. On the logit it never overflows, and its gradient
#   never vanishes while D is wrong.
# - At equilibrium D says 1/2: its sum is 2 ln 2, and G's loss is ln 2. Another loss has another
#   equilibrium.
# - A low loss of D proves that the images differ. A loss near 2 ln 2 proves nothing. Part 6 asks an
#   independent critic instead.
#
# Check this part from a terminal: `python -m stages course check 3`. Move a loss with the mouse:
# `make play`, and there "Loss". Part 4 takes a run to the logit of task 5.
# %% [markdown] lang="zh"
# ## 实验小结
#
# - 交叉熵的两种形式是同一个函数。直接对 logit 计算不会溢出；只要 D 还错着，梯度就不会消失。
# - 均衡时 D 的回答是 1/2：D 的总损失是 2 ln 2，G 的损失是 ln 2。换一种损失，均衡点也会变。
# - D 的损失低，证明两类图像确实不同；D 的损失接近 2 ln 2，什么也证明不了。
#   实验 6 会改问一个独立判别网络。
#
# 在终端检查本实验：`python -m stages course check 3`。想用鼠标拖动看损失怎么变，运行 `make play`，
# 打开其中的“损失”。实验 4 会把一次训练带到任务 5 的那个 logit。
