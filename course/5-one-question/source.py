# %% [markdown] lang="en"
# # 5. One question of the lecture
#
# ## Introduction
#
# The lecture ends with questions. What if the learning rate is large, the batch small, the latent
# code short? One run does not answer them: two trainings that differ in nothing but their seed end
# with different scores. In this part each setting is trained with three seeds, and you say what
# the numbers carry. Often the honest answer is "these runs do not show a difference".
# %% [markdown] lang="zh"
# # 5. 回答课程的一个问题
#
# ## 实验介绍
#
# 课程最后留了一串问题：学习率大了会怎样？批小了呢？隐码短了呢？只训练一次回答不了：两次训练哪怕只
# 有随机种子不同，评分也不一样。本实验里，每种设置都用三个种子训练，由你说出这些数能支持什么结论。
# 很多时候，老实的回答是“这几次训练看不出差别”。
# %% [markdown] lang="en"
# ## Aims
#
# - Ask a question by a sweep with several seeds: `make sweep NAME=learning_rate SEEDS=1,2,3`.
# - Compute a difference with its 95 % interval, and say only what the interval allows.
#
# ## What to know
#
# - Mean, standard deviation, standard error.
# - The Frechet distance (FID) says how far the generated images are from real ones. Lower is
#   better. Part 6 says more about scores.
#
# ## Environment
#
# Two cores, no network. `make` or part 2 has run, and all changes are in a commit (`git commit -am
# "Part 4"`). The runs are short: 1,000 steps of the shipped training. Each sweep takes 2 to 5
# minutes on 2 cores, all eight together about 25 minutes. In a class, each group may take one task
# and tell the others. If there is no time at all, set `run = False` below: then the tables are
# those of the course's own runs.
# %% [markdown] lang="zh"
# ## 实验目的
#
# - 用多个种子的参数扫描来提问：`make sweep NAME=learning_rate SEEDS=1,2,3`。
# - 算出差值和它的 95 % 置信区间，区间支持什么，就说什么。
#
# ## 预备知识
#
# - 均值、标准差、标准误差。
# - Frechet 距离（FID）表示生成图像离真实图像有多远，越小越好。评分的细节见实验 6。
#
# ## 实验环境
#
# 双核 CPU，不需要网络。已经运行过 `make` 或做过实验 2，所有改动都已提交
# （`git commit -am "实验 4"`）。每次训练都很短：自带配置，只训 1,000 步。每个参数扫描在双核上需要
# 2 到 5 分钟，八个一共约 25 分钟。在课堂上可以分组，每组做一个任务，再互相讲。实在没有时间，就把下
# 面的 `run` 改成 `False`，直接用课程自己跑好的表。
# %% lang="en"
from stages.tools.course.session import begin

course = begin(5, "en")
# %% lang="zh"
from stages.tools.course.session import begin

course = begin(5, "zh")
# %% tags=["parameters"]
steps = 1000  # en: of each run  # zh: 每次训练的步数
seeds = "1,2,3"
run = True  # en: False: the recorded runs of the course  # zh: False：用课程跑好的表
# %% [markdown] lang="en"
# ## Steps
#
# ### Task 1: a difference and its interval
#
# Two settings were trained with three seeds each. Their Frechet distances stand below. The
# question is how far the two means are apart, and how far they would be apart in other runs. Write
# a function that returns two numbers:
#
# - the difference of the means, first minus second;
# - half of the width of its 95 % interval.
#
# The interval by Welch's t-test does not assume that both settings vary by the same amount. SciPy
# has it: `stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)` returns its
# two ends.
# %% [markdown] lang="zh"
# ## 实验步骤
#
# ### 任务 1：差值和它的区间
#
# 两种设置各用三个种子训练，Frechet 距离如下。我们想知道两个均值相差多少，换一批种子又会相差多少。
# 请写一个函数，返回两个数：
#
# - 均值之差，第一个减第二个；
# - 95 % 置信区间宽度的一半。
#
# 用 Welch t 检验的区间，它不要求两种设置的波动一样大。SciPy 里就有：`stats.ttest_ind(first,
# second, equal_var=False).confidence_interval(0.95)` 返回区间的两端。
# %%
import numpy as np
from scipy import stats

first, second = [7.9, 8.4, 9.1], [6.2, 8.8, 7.0]


def difference(first, second):
    # en: returns two floats: the difference, and half of its interval
    # zh: 返回两个数：差值和区间的一半
    # BEGIN SOLUTION
    low, high = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    return float(np.mean(first) - np.mean(second)), float(high - low) / 2
    # END SOLUTION


print(difference(first, second))
# %% [markdown] lang="en"
# How wide is half of the interval here? What do these six runs say? (A: the first setting is
# better, B: the second setting is better, C: these runs do not show a difference.) A lower
# distance is better.
#
# And: about how many times as many runs does it take to halve an interval?
# %% [markdown] lang="zh"
# 这里区间的一半是多少？这六次训练说明什么？（A：第一种设置更好；B：第二种更好；C：看不出差别。距离
# 越小越好。）
#
# 另外：想让区间缩小一半，训练次数大约要变成原来的几倍？
# %%
half_width = difference(first, second)[1]  # SOLUTION
course.answer("half_width", half_width)
six_runs = "C"  # SOLUTION
course.answer("six_runs", six_runs)
times_as_many = 4  # SOLUTION
course.answer("times_as_many", times_as_many)
# %% [markdown] lang="en"
# The function below asks a question: it runs the sweep, and returns its table. An answer to a
# question is a list of three: the difference, half of the interval, and a letter as above. The
# check computes all three from your table. After each sweep, look at `reports/compare/index.html`,
# too. That page compares logarithms, and all pairs of settings at once. So it is stricter: it may
# find no difference where your interval just shows one ([docs/seeds.md](../../docs/seeds.md)).
# %% [markdown] lang="zh"
# 下面的函数用来提问：运行参数扫描，返回结果表。每个问题的答案是三项组成的列表：差值、区间的一半、
# 以及和上面一样的字母。检查程序会用你自己的表重算这三项。每次扫描之后，也请看看
# `reports/compare/index.html`。那个页面比较的是对数，而且一次比较所有设置，所以更严格：你的区间刚
# 好显出差别时，它也许还说看不出（[docs/seeds.zh-CN.md](../../docs/seeds.zh-CN.md)）。
# %%
from stages.tools.course import sweeps

FID = "quality.frechet_distance"


# en: What the workspace has may be another training, such as that of part 2.
# zh: 工作区里可能是别的训练，例如实验 2 的。
base = {
    "mnist.train.epochs": 200, "mnist.train.max_steps": steps, "mnist.train.batch_size": 64,
    "mnist.train.latents": "fresh", "mnist.train.learning_rate": 0.001, "mnist.train.ema": 0.99,
    "mnist.train.loss": "bce",
}  # fmt: skip


def ask(name):
    if run:
        common = sweeps.options(name, base)
        course.run(sweeps.command(name, common, seeds))
        rows = sweeps.table(5, name, common)
    else:
        rows = sweeps.recorded(5, name)
    sweeps.show(rows, "setting", "seed", "verdict", FID, "quality.class_coverage")
    return rows


def compare(rows, one, other):
    values = [list(sweeps.values(rows, setting, FID).values()) for setting in (one, other)]
    return difference(*values)


def complete(numbers, letter):
    # en: without a letter there is no answer yet
    # zh: 没有字母，就还没有作答
    return ... if letter is ... else [*numbers, letter]


# %% [markdown] lang="en"
# ### Task 2: the learning rate, and whether it should fall
#
# Compare the rate 0.0002 (first) with 0.002 (second). `sweeps/learning_rate.yaml` has two more
# rates: look at them, too. This sweep takes about 4 minutes on 2 cores.
# %% [markdown] lang="zh"
# ### 任务 2：学习率取多大，要不要衰减
#
# 比较学习率 0.0002（第一种）和 0.002（第二种）。`sweeps/learning_rate.yaml` 里还有另外两个学习率，
# 也看一看。这个扫描在双核上约 4 分钟。
# %%
rows = ask("learning_rate")
# %%
numbers = compare(rows, "0.0002", "0.002")
print(numbers)
letter = "C" if abs(numbers[0]) <= numbers[1] else "A" if numbers[0] < 0 else "B"  # SOLUTION
course.answer("rate", complete(numbers, letter))
# %% [markdown] lang="en"
# Then the schedule: a constant rate (first), or one that falls to 0 along a cosine (second). About
# 2 minutes on 2 cores.
# %% [markdown] lang="zh"
# 再看学习率的变化方式：保持不变（第一种），或者按余弦降到 0（第二种）。双核上约 2 分钟。
# %%
rows = ask("schedule")
# %%
numbers = compare(rows, "constant", "cosine")
print(numbers)
letter = "C" if abs(numbers[0]) <= numbers[1] else "A" if numbers[0] < 0 else "B"  # SOLUTION
course.answer("schedule", complete(numbers, letter))
# %% [markdown] lang="en"
# ### Task 3: the batch
#
# Compare 32 images a step (first) with 64 (second). All runs have the same number of steps, so
# those with larger batches see more images and take longer. About 5 minutes on 2 cores.
# %% [markdown] lang="zh"
# ### 任务 3：批的大小
#
# 比较每步 32 张图像（第一种）和 64 张（第二种）。所有训练的步数相同，所以批越大，看过的图像越多，
# 用时也越长。双核上约 5 分钟。
# %%
rows = ask("batch_size")
# %%
numbers = compare(rows, "32", "64")
print(numbers)
letter = "C" if abs(numbers[0]) <= numbers[1] else "A" if numbers[0] < 0 else "B"  # SOLUTION
course.answer("batch", complete(numbers, letter))
# %% [markdown] lang="en"
# ### Task 4: the latent code
#
# Compare a code of 10 numbers (first) with one of 100 (second). About 3 minutes on 2 cores.
# %% [markdown] lang="zh"
# ### 任务 4：隐码的长度
#
# 比较 10 个数的隐码（第一种）和 100 个数的（第二种）。双核上约 3 分钟。
# %%
rows = ask("latent_size")
# %%
numbers = compare(rows, "10", "100")
print(numbers)
letter = "C" if abs(numbers[0]) <= numbers[1] else "A" if numbers[0] < 0 else "B"  # SOLUTION
course.answer("latent_code", complete(numbers, letter))
# %% [markdown] lang="en"
# ### Task 5: the betas
#
# Adam's `beta1` says how long past gradients count. Compare 0.5 (first) with Adam's usual 0.9
# (second). About 2 minutes on 2 cores.
# %% [markdown] lang="zh"
# ### 任务 5：beta
#
# Adam 的 `beta1` 决定过去的梯度影响多久。比较 0.5（第一种）和 Adam 的默认值 0.9（第二种）。双核上
# 约 2 分钟。
# %%
rows = ask("beta1")
# %%
numbers = compare(rows, "0.5", "0.9")
print(numbers)
letter = "C" if abs(numbers[0]) <= numbers[1] else "A" if numbers[0] < 0 else "B"  # SOLUTION
course.answer("betas", complete(numbers, letter))
# %% [markdown] lang="en"
# ### Task 6: the loss
#
# Compare the cross-entropy `bce` (first) with the squared error `mse` (second). Their losses are
# on different scales, but the Frechet distance is the same measure for both. About 3 minutes on 2
# cores.
# %% [markdown] lang="zh"
# ### 任务 6：损失
#
# 比较交叉熵 `bce`（第一种）和平方误差 `mse`（第二种）。两者的损失尺度不同，但 Frechet 距离是同一把
# 尺子。双核上约 3 分钟。
# %%
rows = ask("loss")
# %%
numbers = compare(rows, "bce", "mse")
print(numbers)
letter = "C" if abs(numbers[0]) <= numbers[1] else "A" if numbers[0] < 0 else "B"  # SOLUTION
course.answer("loss", complete(numbers, letter))
# %% [markdown] lang="en"
# ### Task 7: the network and its activation
#
# First the width: networks of a quarter of the recipe's width (`narrow`, first) and the recipe's
# own (`recipe`, second). About 4 minutes on 2 cores, because the wide networks are slow.
# %% [markdown] lang="zh"
# ### 任务 7：网络和激活函数
#
# 先看宽度：只有原来四分之一宽的网络（`narrow`，第一种）和原来的网络（`recipe`，第二种）。宽网络比
# 较慢，双核上约 4 分钟。
# %%
rows = ask("widths")
# %%
numbers = compare(rows, "narrow", "recipe")
print(numbers)
letter = "C" if abs(numbers[0]) <= numbers[1] else "A" if numbers[0] < 0 else "B"  # SOLUTION
course.answer("network", complete(numbers, letter))
# %% [markdown] lang="en"
# Then the activation of D: LeakyReLU (`recipe`, first) or ReLU (`relu`, second). About 3 minutes
# on 2 cores.
# %% [markdown] lang="zh"
# 再看判别器的激活函数：LeakyReLU（`recipe`，第一种）还是 ReLU（`relu`，第二种）。双核上约 3 分钟。
# %%
rows = ask("activation")
# %%
numbers = compare(rows, "recipe", "relu")
print(numbers)
letter = "C" if abs(numbers[0]) <= numbers[1] else "A" if numbers[0] < 0 else "B"  # SOLUTION
course.answer("activation", complete(numbers, letter))
# %% [markdown] lang="en"
# ## Summary
#
# - A score of one run is one draw. Several seeds show how much of a difference is chance.
# - If the interval holds 0, these runs show no difference. That does not prove that there is none:
#   more seeds make the interval narrower, and four times as many halve it.
# - All this holds for 1,000 steps of this data. A setting that learns slowly may be better in a
#   long run.
#
# Check this part again with `python -m stages course check 5`. Longer runs of the same questions
# are in [docs/experiments.md](../../docs/experiments.md).
# %% [markdown] lang="zh"
# ## 实验小结
#
# - 一次训练的评分只是一次抽样。多训几个种子，才知道差别里有多少是偶然。
# - 区间包含 0，说明这几次训练看不出差别，但不等于证明没有差别：种子越多，区间越窄；想缩小一半，要
#   四倍的训练次数。
# - 以上结论只对这份数据、1,000 步成立。学得慢的设置，训练久了也许反而更好。
#
# 随时可以用 `python -m stages course check 5` 再检查一遍。同样的问题、更长的训练见
# [docs/experiments.zh-CN.md](../../docs/experiments.zh-CN.md)。
