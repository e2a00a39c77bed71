# %% [markdown] lang="en"
# # 4. The failed run
#
# ## Introduction
#
# A student starts the lecture's training with a larger learning rate, to be done sooner. After a
# few steps every line of the log is the same, and it stays the same for hours:
#
#     loss d:13.815511, loss g:-0.000000
#
# Nothing crashed, and no error was printed. In this part you make the failure happen, find out
# where each number comes from, and look for ways out. Some well-known advice does not help here.
# You will see which.
# %% [markdown] lang="zh"
# # 4. 训练失败的那一次
#
# ## 实验介绍
#
# 有位同学想快点训完，把课程脚本的学习率调大了。跑了几步之后，日志里每一行都一模一样，几个小时都不
# 变：
#
#     loss d:13.815511, loss g:-0.000000
#
# 程序没有崩溃，也没有报错。本实验先复现这次失败，再弄清每个数是怎么来的，最后找出解决办法。有些广
# 为流传的建议在这里并不管用，实验会告诉你是哪些。
# %% [markdown] lang="en"
# ## Aims
#
# - Make the failure happen again, and read the verdict on it.
# - Explain 27.631021, 13.815511 and -0.000000, and say why no weight moves any more.
# - Mend the run in three ways, and tell a real mend from one that only changes the log.
#
# ## What to know
#
# - Python and NumPy. What a logit, a sigmoid and a cross-entropy are: part 3, or
#   [docs/losses.md](../../docs/losses.md).
# - What a sweep is: several trainings that differ in one thing. `python -m stages sweep` trains
#   them side by side, and changes nothing in your workspace.
#
# ## Environment
#
# Two cores, no network. `make` or part 2 has run once in this clone, so the data are there.
# If this folder has changes in no commit yet, commit them (`git commit -am "Part 2"`): a sweep
# starts from the last commit. This part takes about 30 minutes. The longest command, in task 5,
# takes about 3 minutes on 2 cores.
# %% [markdown] lang="zh"
# ## 实验目的
#
# - 复现这次失败，读懂程序给出的诊断。
# - 解释 27.631021、13.815511 和 -0.000000 是怎么来的，说明权重为什么不再变化。
# - 用三种办法修好训练，并能分清“真的修好了”和“只是日志变了样”。
#
# ## 预备知识
#
# - Python 和 NumPy；logit、sigmoid 和交叉熵的含义（见实验 3 或
#   [docs/losses.zh-CN.md](../../docs/losses.zh-CN.md)）。
# - 参数扫描：同时训练几次，每次只改一处。`python -m stages sweep` 会并排训练，不影响工作区里的结
#   果。
#
# ## 实验环境
#
# 双核 CPU，不需要网络。在这份克隆里运行过一次 `make`，或者做过实验 2，数据都已准备好。如果有改动还
# 没提交，请先提交（`git commit -am "实验 2"`）：参数扫描从最近一次提交开始。本实验大约需要 30 分
# 钟，其中最慢的一条命令在任务 5，双核上约 3 分钟。
# %% lang="en"
from stages.tools.course.session import begin

course = begin(4, "en")
# %% lang="zh"
from stages.tools.course.session import begin

course = begin(4, "zh")
# %% tags=["parameters"]
steps = 1000  # en: of each run in task 5  # zh: 任务 5 每次训练的步数
run = True  # en: False: the recorded runs of the course  # zh: False：用课程跑好的表
# %% [markdown] lang="en"
# ## Steps
#
# ### Task 1: make it happen again
#
# `make collapse` does the same in a terminal. It trains with `learning_rate: 0.01` and `loss:
# bce`. It ends with an error, and that is what we want. It takes about 15 seconds.
# %% [markdown] lang="zh"
# ## 实验步骤
#
# ### 任务 1：复现
#
# 在终端里运行 `make collapse` 效果相同：用 `learning_rate: 0.01` 和 `loss: bce` 训练。它会报错退
# 出，这正是我们想看到的。大约需要 15 秒。
# %%
printed = course.run("python -m stages collapse mnist", ok=(1,))
# %% [markdown] lang="en"
# The last line names a page with the pictures and curves of the failure: open it in a browser. Then
# read what was printed under `verdict`. At which step did the run stop learning? (Not: at which
# step was it stopped.)
# %% [markdown] lang="zh"
# 最后一行给出失败页的位置，里面有当时的图像和曲线，可以用浏览器打开看看。再读一读“诊断”下面的内容：
# 训练从第几步起就不再学习了？（注意：不是在第几步被叫停。）
# %%
dead_since = 2  # SOLUTION
course.answer("dead_since", dead_since)
# %% [markdown] lang="en"
# ### Task 2: the numbers in the log
#
# D answers with a logit s, and p = sigmoid(s) is its probability of "real". Everything is computed
# in float32. For a generated image the loss is -ln(1 - p). MindSpore adds 1e-12 before it takes
# the logarithm. Write both functions. Keep float32 in each step: `np.float32(1)` is a one of that
# kind.
# %% [markdown] lang="zh"
# ### 任务 2：日志里的数
#
# 判别器输出 logit s，p = sigmoid(s) 是它判为真的概率，全部用 float32 计算。对一张生成图像，损失是
# -ln(1 - p)；MindSpore 取对数之前先加上 1e-12。请写出这两个函数，每一步都保持 float32
# （`np.float32(1)` 就是 float32 的 1）。
# %%
import numpy as np

one, tiny = np.float32(1), np.float32(1e-12)


def sigmoid(s):
    # en: s: a number; returns a float32
    # zh: s 是一个数；返回 float32
    # BEGIN SOLUTION
    return one / (one + np.exp(-np.float32(s)))
    # END SOLUTION


def loss_on_generated(s):
    # -ln(1 - p + 1e-12)
    # BEGIN SOLUTION
    return -np.log(one - sigmoid(s) + tiny)
    # END SOLUTION


for s in (0, 10, 16, 17, 18, 40):
    print(s, sigmoid(s), loss_on_generated(s))
# %% [markdown] lang="en"
# What is the first whole logit at which p is exactly 1? How large is the loss there? The lecture's
# script prints (loss on real images + loss on generated images) / 2. What does it print if D gives
# every image this logit?
# %% [markdown] lang="zh"
# 从哪个整数 logit 起，p 恰好等于 1？这时损失是多少？课程脚本打印的是（真实图像的损失 + 生成图像的
# 损失）/ 2，如果判别器对每张图都给出这个 logit，它会打印多少？
# %%
first_logit = 17  # SOLUTION
course.answer("first_logit", first_logit)
loss_there = float(loss_on_generated(17))  # SOLUTION
course.answer("loss_there", loss_there)
line_there = float(loss_on_generated(17)) / 2  # SOLUTION
course.answer("line_there", line_there)
# %% [markdown] lang="en"
# ### Task 3: why nothing moves
#
# A weight moves only if a gradient reaches it. Take two generated images, both with the logit s =
# 17, and compute the gradient of the loss with respect to s: once with the loss on the probability
# (`nn.BCELoss` of `ops.sigmoid(s)`), once with the loss on the logit (`nn.BCEWithLogitsLoss` of
# `s`). `ms.value_and_grad(f)(x)` returns f(x) and its gradient, here one number for each image.
# Add the two.
# %% [markdown] lang="zh"
# ### 任务 3：为什么不再变化
#
# 梯度传得到，权重才会变。取两张生成图像，logit 都是 s = 17，分别求两种损失关于 s 的梯度：对概率计
# 算的损失（对 `ops.sigmoid(s)` 用 `nn.BCELoss`），以及对 logit 计算的损失（对 `s` 用
# `nn.BCEWithLogitsLoss`）。`ms.value_and_grad(f)(x)` 返回 f(x) 和它的梯度，这里每张图像一个数，请
# 把两个数相加。
# %%
import mindspore as ms
from mindspore import Tensor, nn, ops

labels = Tensor(np.zeros(2, np.float32))  # en: 0: generated  # zh: 0：生成图像


def on_probability(s):
    # BEGIN SOLUTION
    return nn.BCELoss()(ops.sigmoid(s), labels)
    # END SOLUTION


def on_logit(s):
    # BEGIN SOLUTION
    return nn.BCEWithLogitsLoss()(s, labels)
    # END SOLUTION


def gradient_at(loss, s):
    # en: the sum of the gradient of `loss` at two logits s, as a float
    # zh: 两个 logit 都是 s 时，`loss` 的梯度之和，返回 float
    # BEGIN SOLUTION
    _, gradient = ms.value_and_grad(loss)(Tensor(np.full(2, s, np.float32)))
    return float(gradient.asnumpy().sum())
    # END SOLUTION


course.answer("gradient_on_probability", gradient_at(on_probability, 17))
course.answer("gradient_on_logit", gradient_at(on_logit, 17))
# %% [markdown] lang="en"
# ### Task 4: how a run gets there in two steps
#
# The first step of Adam moves every weight by about the learning rate, whatever the size of the
# gradient is. Take one unit in the first layer of D. It has 28 x 28 inputs, and each input is
# between -1 and 1. By how much can its value change at most in the first step, with the rate 0.01?
# With the rate 0.0002?
# %% [markdown] lang="zh"
# ### 任务 4：怎么会两步就到这个地步
#
# 无论梯度大小，Adam 的第一步都会让每个权重改变大约一个学习率那么多。看判别器第一层的一个单元：它有
# 28 x 28 个输入，每个输入都在 -1 到 1 之间。学习率为 0.01 时，第一步最多能让它的值改变多少？0.0002
# 呢？
# %%
push = 784 * 0.01  # SOLUTION
course.answer("push", push)
push_recipe = 784 * 0.0002  # SOLUTION
course.answer("push_recipe", push_recipe)
# %% [markdown] lang="en"
# That is one layer. D has two more, and they move as well. So the logits reach the hundreds, and
# 17 is enough.
#
# ### Task 5: mend it in three ways
#
# The sweep below has the failing run and three changes that are often advised:
#
# - `logits`: the same loss, computed on the logit;
# - `smoothing`: the label of real images is 0.9;
# - `squares`: the squared error in place of the cross-entropy.
#
# Add three ways of your own. No two of them may change the same param. In each line that does not
# change the rate keep `learning_rate: 0.01`. Otherwise the rate of the workspace is used, and
# nothing is mended. Ideas are in
# [docs/losses.md](../../docs/losses.md#what-stabilises-training) and in `params.yaml`: think of
# the rate of both networks, of D's rate alone (a D that is far slower than G does not help either:
# try more than one value), of the optimizer, and of a rate that rises slowly (`schedule`). A
# warm-up that ends within these 1,000 steps comes back to the rate that fails. Before you run the
# sweep, write down which of the six you expect to work.
# %% [markdown] lang="zh"
# 这还只是一层。后面还有两层，它们的权重也在变，所以 logit 能到几百，而 17 就够了。
#
# ### 任务 5：用三种办法修好
#
# 下面的参数扫描里有失败的那次训练，还有三种常见的建议：
#
# - `logits`：同一个损失，改为对 logit 计算；
# - `smoothing`：真实图像的标签取 0.9（标签平滑）；
# - `squares`：用平方误差代替交叉熵。
#
# 请再加上你自己的三种办法，任何两种都不能改同一个参数。不是要改学习率的那几行，请照样写上
# `learning_rate: 0.01`，否则用的是工作区里的学习率，就不是在修这次失败的训练了。思路见
# [docs/losses.zh-CN.md](../../docs/losses.zh-CN.md#哪些做法能让训练更稳定) 和 `params.yaml`：两个
# 网络的学习率、只改判别器的学习率（D 比 G 慢太多也不行，请多试几个值）、换优化器、让学习率慢慢
# 升上来（`schedule`）。如果预热在这 1,000 步之内就结束，学习率又会回到失败的那个值。运行之前先
# 写下：这六种里，你认为哪些管用？
# %%
from pathlib import Path

question = """\
# en: What mends the failed run?
# zh: 失败的训练怎样修好？
settings:
  failing: {train: {learning_rate: 0.01}}
  logits: {train: {learning_rate: 0.01, loss: bce_with_logits}}
  smoothing: {train: {learning_rate: 0.01, loss_options: {label_smoothing: 0.1}}}
  squares: {train: {learning_rate: 0.01, loss: mse}}
"""
# en: Add three more lines of the same form to `question`: mine-1, mine-2 and mine-3.
# zh: 照同样的格式给 `question` 再加三行：mine-1、mine-2 和 mine-3。
# BEGIN SOLUTION
question += """\
  mine-1: {train: {learning_rate: 0.001}}
  mine-2: {train: {learning_rate: 0.01, discriminator_learning_rate: 0.001}}
  mine-3: {train: {learning_rate: 0.01, schedule: {warm_up_steps: 10000}}}
"""
# END SOLUTION
print(Path("sweeps/mend.yaml").write_text(question, encoding="utf-8"), "letters")
# %% [markdown] lang="en"
# The sweep takes about 3 minutes on 2 idle cores, and longer beside other work. If it is
# interrupted, or if you change a line, run the same cell again: finished runs are kept.
# %% [markdown] lang="zh"
# 双核空闲时大约需要 3 分钟，同时有别的程序在跑会更久。如果中断了，或者改了某一行，重新运行这个单元
# 即可：已完成的训练会保留。
# %%
from stages.tools.course import sweeps

# en: What the workspace has may be another training, such as that of part 2.
# zh: 工作区里可能是别的训练，例如实验 2 的。
base = {
    "mnist.train.epochs": 200, "mnist.train.max_steps": steps, "mnist.train.batch_size": 64,
    "mnist.train.latents": "fresh", "mnist.train.ema": 0.99, "mnist.train.loss": "bce",
    "mnist.train.seed": 1,
}  # fmt: skip
if run:
    common = sweeps.options("mend", base)
    log = course.run(sweeps.command("mend", common))
    rows = sweeps.table(4, "mend", common)
else:
    rows = sweeps.recorded(4, "mend")
sweeps.show(
    rows, "setting", "verdict", "quality.precision", "quality.coverage", "quality.class_coverage",
    "quality.frechet_distance",
)  # fmt: skip
# %% [markdown] lang="en"
# Open the page `reports/compare/index.html` and look at the pictures. A run is mended if it draws
# digits of all kinds: the verdict is "still learning" or "near equilibrium", at least half of the
# images lie among real ones (`precision`), and at least nine of the ten classes are drawn
# (`class_coverage`). The check looks for three such runs in your table.
# %% [markdown] lang="zh"
# 打开页面 `reports/compare/index.html` 看看图。各种数字都画得出，才算修好：诊断是 still learning
# （仍在学习）或 near equilibrium（接近均衡），至少一半图像落在真实图像当中（`precision`），十个类别
# 至少画到九个（`class_coverage`）。检查程序会在你的表里找三次这样的训练。
# %%
course.answer("mends")
# %% [markdown] lang="en"
# Of the three changes that are often advised: which runs ended with the same verdict as the
# failing run? (A: `logits`, B: `smoothing`, C: `squares`)
# %% [markdown] lang="zh"
# 三种常见建议里，哪些训练的诊断和失败的那次一样？（A：`logits`，B：`smoothing`，C：`squares`，可多
# 选）
# %%
still_dead = ["B", "C"]  # SOLUTION
course.answer("still_dead", still_dead)
# %% [markdown] lang="en"
# ### Task 6: what did the loss on logits change?
#
# With the loss on logits the log looks alive again. Look at its row and its picture. Which is
# true?
#
# - A: The run is mended: its verdict and its scores are those of a sound run.
# - B: The gradients are no longer 0, and it may draw most digits. But its verdict is not that of a
#   sound run: it swings, or draws few kinds of image. The rate is still too large.
# - C: Nothing changed: all gradients are 0 as before.
# %% [markdown] lang="zh"
# ### 任务 6：改为对 logit 计算损失，到底改变了什么？
#
# 改为对 logit 计算损失之后，日志看上去“活”了。看它那一行和它的图，哪种说法对？
#
# - A：训练修好了，诊断和评分都和正常的训练一样。
# - B：梯度不再是 0，多数数字也可能画得出来。但诊断和正常的训练不一样：剧烈振荡，或者只画得出几
#   种图。学习率仍然太大。
# - C：什么也没变，所有梯度仍然是 0。
# %%
of_logits = "B"  # SOLUTION
course.answer("of_logits", of_logits)
# %% [markdown] lang="en"
# ## Summary
#
# - 27.631021 is -ln 1e-12: p is exactly 1 in float32 from a logit of 17 on. 13.815511 is half of
#   it.
# - There the gradient of the loss on the probability is exactly 0. More steps or another seed
#   change nothing.
# - The cause is D's rate: so change the rate first. The loss on logits costs nothing, and with it
#   a run can recover. It does not make a rate right that is far too large.
# - A log that moves is no proof. Look at the scores and at the picture.
#
# Check this part again at any time with `python -m stages course check 4`. The whole story is in
# [docs/loss-13.8155.md](../../docs/loss-13.8155.md).
# %% [markdown] lang="zh"
# ## 实验小结
#
# - 27.631021 就是 -ln 1e-12：在 float32 下，logit 从 17 起 p 恰好等于 1。13.815511 是它的一半。
# - 这时，对概率计算的损失，梯度恰好为 0，多训几步、换个种子都没有用。
# - 根源是判别器的学习率太大，所以先改学习率。改为对 logit 计算没有任何代价，能给训练一个恢复的机
#   会，但救不了大得离谱的学习率。
# - 日志在动，不等于训练好了。要看评分，也要看图。
#
# 随时可以用 `python -m stages course check 4` 再检查一遍。完整的来龙去脉见
# [docs/loss-13.8155.zh-CN.md](../../docs/loss-13.8155.zh-CN.md)。
