# %% [markdown] lang="en"
# # 2. The same as a pipeline
#
# ## Introduction
#
# The script of part 1 did everything in one file: it read data, trained, drew, and forgot. This
# project does the same work in stages, and DVC runs them. Here you run the lecture's recipe as a
# pipeline, look at what each stage leaves, and check three promises that the script could not keep:
# runs can be compared, repeated byte for byte, and only what changed is run again.
#
# ## Aims
#
# After this part you can
#
# - say which stage replaces which lines of the script,
# - run an experiment with other params, and find its results,
# - read a distance from equilibrium,
# - tell which stages run again after a change, and say why,
# - prove that two runs gave the same bytes.
#
# ## What to know
#
# A stage is one script with declared inputs and outputs. DVC keeps their hashes in `dvc.lock`. If
# params, code and inputs of a stage have the hashes that are there, DVC does not run it.
#
# | the script of part 1 | stage | what it does better |
# |---|---|---|
# | writes the four files | `download` | tries several sources, and compares hashes |
# | reads them and scales | `preprocess` | attaches a latent code to each image, from a seed |
# | `train` | `train` | seeds for weights, order and codes; keeps the optimizers; watches the run |
# | (nothing) | `judge` | trains a network on real images alone, to measure generated ones |
# | you look at a grid | `evaluate` | losses and scores on held-out images |
# | `plt.show()` | `report` | one page with samples, curves, distances and a verdict |
# | `save_checkpoint` | `export` | files that run without this project |
# | (nothing) | `play` | a page in which the networks run |
#
# ## Environment
#
# As in part 1, and git. The notebook changes `params.yaml` and the results in the clone. No network
# is needed. The longest cell takes one to two minutes; longer if `make` has not run in this clone
# yet, because then the first run prepares the data and trains the judge, too.
#
# DVC signs an experiment with your name in git. If git does not know you yet, run this once in a
# terminal: `git config --global user.name NAME` and `git config --global user.email ADDRESS`.
# %% [markdown] lang="zh"
# # 2. 用流水线做同样的事
#
# ## 实验介绍
#
# 实验 1 的脚本把所有事情写在一个文件里：读数据、训练、画图，运行完几乎什么也没留下。本项目把
# 同样的工作分成若干阶段，由 DVC 运行。本实验用流水线运行课程的配方，看看每个阶段留下什么，
# 并检验脚本做不到的三件事：训练可以比较，可以逐字节重复，只重新运行受改动影响的阶段。
#
# ## 实验目的
#
# 完成本实验后，你能够：
#
# - 说出脚本的哪些行由哪个阶段代替；
# - 换参数做一次实验，并找到它的结果；
# - 看懂离均衡点的距离；
# - 判断改动之后哪些阶段会重新运行，并说明原因；
# - 证明两次训练得到的字节完全相同。
#
# ## 预备知识
#
# 一个阶段就是一个脚本，输入和输出都写明。DVC 把它们的哈希值记在 `dvc.lock` 里。如果某个阶段的参数、
# 代码和输入都与记录一致，DVC 就不运行它。
#
# | 实验 1 的脚本 | 阶段 | 改进之处 |
# |---|---|---|
# | 写出四个文件 | `download` | 依次尝试多个来源，并核对哈希值 |
# | 读取并缩放 | `preprocess` | 按种子给每张图像配一个隐码 |
# | `train` | `train` | 权重、顺序、隐码都有种子；连优化器一起保存；监视训练 |
# | （没有） | `judge` | 只用真实图像训练一个网络，用来衡量生成的图像 |
# | 用眼睛看网格 | `evaluate` | 在留出的图像上计算损失和评分 |
# | `plt.show()` | `report` | 一个网页，有样本、曲线、距离和诊断 |
# | `save_checkpoint` | `export` | 不装本项目也能运行的文件 |
# | （没有） | `play` | 一个网页，两个网络就在浏览器里运行 |
#
# ## 实验环境
#
# 与实验 1 相同，另需 git。请在项目的克隆里运行本 notebook：它会改动这份克隆里的 `params.yaml` 和
# 各项结果。不需要联网。最久的单元运行一到两分钟；如果这份克隆里还没运行过 `make`，第一次运行还要处
# 理数据、训练评判网络，时间会更长。
#
# DVC 做实验时要用你在 git 里的署名。从没设过的话，先在终端运行一次
# `git config --global user.name 名字` 和 `git config --global user.email 邮箱`。
# %% lang="en"
from stages.tools.course.session import begin

course = begin(2, "en")
# %% lang="zh"
from stages.tools.course.session import begin

course = begin(2, "zh")
# %% tags=["parameters"]
steps = 220
# %% [markdown] lang="en"
# ## Steps
#
# ### Task 1: a param instead of a habit
#
# In the script the grid of each epoch had new latent codes. Open `params.yaml` and find the param
# of `mnist.train` that fixes the codes of the grid. What is its name?
# %% [markdown] lang="zh"
# ## 实验步骤
#
# ### 任务 1：哪个参数固定了网格的隐码
#
# 脚本里每一轮的网格都换新隐码。打开 `params.yaml`，在 `mnist.train` 里找到固定网格隐码的那个参数。
# 它叫什么名字？
# %%
name = "grid_seed"  # SOLUTION
course.answer("grid_param", name)
# %% [markdown] lang="en"
# ### Task 2: run the lecture's recipe
#
# `-S` sets a param for one experiment. These are the settings of the script: the bundled digits,
# its batches, its loss and its learning rate. Watch the names of the stages go by. `language` is
# the language of the pages, from here on.
#
# Nothing is typed for this task. The check looks at your params and results.
# %% [markdown] lang="zh"
# ### 任务 2：运行课程的配方
#
# `-S` 为一次实验设置一个参数。下面就是脚本用的设置：自带的手写数字、同样的批大小、损失和学习率。
# 注意看依次出现的阶段名。`language` 是网页的语言，从这里起网页都是中文。
#
# 这个任务不用填答案，检查时直接看你的参数和结果。
# %%
settings = {
    "download.sources": '["bundled:digits"]',
    "train.max_steps": steps,
    "train.batch_size": 128,
    "train.latents": "attached",
    "train.learning_rate": 0.0002,
    "train.loss": "bce",
    "train.ema": 0.0,
    "train.seed": 1,
}
lecture = " ".join(f"-S 'mnist.{key}={value}'" for key, value in settings.items())
log = course.run(f"dvc exp run -S language={course.language} {lecture} report@mnist")
# %%
course.answer("lecture_run")
# %% [markdown] lang="en"
# Now open `reports/mnist/index.html` in a browser. The slider goes through the epochs: the same
# codes each time. The warning at the top means that this is not MNIST: the bundled digits are real
# handwritten ones, too, but other and fewer.
#
# ### Task 3: the distance from equilibrium
#
# `evaluate` measured both losses on held-out images. Find the distance of D's sum from its
# equilibrium. It is in `metrics/mnist/scores.json`, under `bce`, `discriminator`.
# %% [markdown] lang="zh"
# 现在用浏览器打开 `reports/mnist/index.html`。拖动滑块可以逐轮查看：每一轮用的都是同一组隐码。页面
# 顶部的警告是说，这不是 MNIST：自带的数字也是真人手写的，但不是同一批，也少得多。
#
# ### 任务 3：离均衡点的距离
#
# `evaluate` 在留出的图像上量出了两个损失。请找出 D 的总损失离均衡点的距离。它在
# `metrics/mnist/scores.json` 里，`bce` 下的 `discriminator`。
# %%
import json
from pathlib import Path

scores = json.loads(Path("metrics/mnist/scores.json").read_text(encoding="utf-8"))
print(list(scores["bce"]["discriminator"]))
# %%
distance = scores["bce"]["discriminator"]["distance"]  # SOLUTION
course.answer("distance_of_d", distance)
# %% [markdown] lang="en"
# ### Task 4: what runs again
#
# Change one param of training, its seed, and run again. Which stages did DVC run, and which did it
# skip? Give the letters of those that it ran. (`report@mnist` was asked for, so `export` and `play`
# do not come up.)
#
# A: download, B: preprocess, C: judge, D: train, E: evaluate, F: report
# %% [markdown] lang="zh"
# ### 任务 4：哪些阶段重新运行
#
# 改一个训练参数（种子），再运行一次。DVC 运行了哪些阶段，跳过了哪些？写出它运行过的阶段的字母。
# （这里要的是 `report@mnist`，所以不涉及 `export` 和 `play`。）
#
# A：download，B：preprocess，C：judge，D：train，E：evaluate，F：report
# %%
letters = {"A": "download", "B": "preprocess", "C": "judge"}
letters |= {"D": "train", "E": "evaluate", "F": "report"}
log = course.run("dvc exp run -S mnist.train.seed=2 report@mnist")
# %%
ran = [x for x, y in letters.items() if f"Running stage '{y}@" in log]  # SOLUTION
course.answer("stages_run_again", ran)
# %% [markdown] lang="en"
# ### Task 5: back, and the data's hash
#
# Set the seed back. Now DVC does not train again: it has seen these inputs before, so it brings
# the networks back, and prints `is cached`. `evaluate` does run again: its out
# `scores.json` is kept in git and not in DVC's cache, and DVC keeps no earlier results of a stage
# with such an out. They come out the same to the byte, so `report` is cached, too. Then find the
# hash that `dvc.lock` has of the prepared data, `data/mnist/prepared`.
# %% [markdown] lang="zh"
# ### 任务 5：改回去，以及数据的哈希值
#
# 把种子改回来。这次不再训练：这些输入 DVC 见过，直接取回网络，并打印 `is cached`。`evaluate` 还是会
# 再运行一次：它的输出 `scores.json` 由 git 保存，不在 DVC 的缓存里，
# 有这种输出的阶段，DVC 不留以前的结果。但算出来的逐字节相同，所以 `report` 又是 `is cached`。
#
# 然后在 `dvc.lock` 里找到 `data/mnist/prepared`（处理好的数据）的哈希值。
# %%
log = course.run("dvc exp run -S mnist.train.seed=1 report@mnist")
# %%
import yaml

lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))
print(json.dumps(lock["stages"]["preprocess@mnist"]["outs"], indent=1))
# %%
data_hash = lock["stages"]["preprocess@mnist"]["outs"][0]["md5"]  # SOLUTION
course.answer("hash_of_the_data", data_hash)
# %% [markdown] lang="en"
# ### Task 6: the same bytes again
#
# Compute the sha256 of G's weights: `hashlib.sha256(data).hexdigest()` takes all bytes of the file.
# Then let DVC train once more from the start (`-f` runs a stage even if nothing changed, `-s` runs
# this stage alone), and compute it again. Are the two equal? Answer with the hash after the second
# training.
#
# Your hash may differ from your neighbour's: another kind of processor rounds differently. So the
# check compares it with your own file.
# %% [markdown] lang="zh"
# ### 任务 6：字节完全相同
#
# 计算 G 权重文件的 sha256：`hashlib.sha256(data).hexdigest()` 的参数是文件的全部字节。
# 然后让 DVC 从头再训练一次（`-f` 表示没有改动也运行，`-s` 表示
# 只运行这一个阶段），再算一次。两次相同吗？请填第二次训练之后的哈希值。
#
# 你的哈希值可能与同学的不同：不同型号的处理器，舍入方式不一样。所以检查时只与你自己的文件比较。
# %%
import hashlib

weights = Path("models/mnist/checkpoints/final/generator.safetensors")


def sha256_of_weights():
    # BEGIN SOLUTION
    return hashlib.sha256(weights.read_bytes()).hexdigest()
    # END SOLUTION


# %%
before = sha256_of_weights()
log = course.run("dvc repro -s -f train@mnist")
after = sha256_of_weights()
print("equal:", before == after)
# %%
course.answer("same_bytes", after)
# %% [markdown] lang="en"
# ## Summary
#
# - A stage replaces lines of the script, and names its inputs and outputs. So a run can be compared
#   with others, repeated, and shared.
# - DVC runs again only what depends on a change. It skips the rest, or brings back earlier results.
# - Seeds and stored optimizers make two runs equal, byte for byte, on one kind of processor.
# - D's loss is not at equilibrium after so few epochs. Part 3 explains the number, and part 6 asks
#   how good the images are.
#
# Check this part from a terminal: `python -m stages course check 2`.
# %% [markdown] lang="zh"
# ## 实验小结
#
# - 一个阶段代替脚本的若干行，并写明输入和输出。所以训练可以比较、重复和分享。
# - DVC 只重新运行受改动影响的阶段，其余的跳过，或者取回以前的结果。
# - 有了种子，又保存了优化器，在同一种处理器上两次训练的结果逐字节相同。
# - 轮数这么少，D 的损失还没到均衡点。实验 3 解释这个数，实验 6 再看图像画得好不好。
#
# 在终端检查本实验：`python -m stages course check 2`。
