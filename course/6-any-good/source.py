# %% [markdown] lang="en"
# # 6. Is it any good?
#
# ## Introduction
#
# The losses say how strong the two networks are beside each other. They do not say whether the
# images are good: a weak discriminator is near equilibrium, too. This project measures the images
# by a network that has never seen a generated one, the judge, and by a new discriminator that is
# trained for this alone, the critic. In this part you read these scores, and you try to fool them
# with images that no generator should draw.
#
# ## Aims
#
# - Read a score with its error and its floor, and say whether it is worse than real images.
# - Find out which score sees which fault, and which score is blind to it.
# - Say what a low and what a high cross-entropy prove.
#
# ## What to know
#
# - Standard errors (part 5), cross-entropy and equilibrium (part 3).
# - The scores are described in [docs/samples.md](../../docs/samples.md#how-to-read-a-score). You
#   need this section for task 1.
#
# ## Environment
#
# Two cores, no network, and any run of `mnist` in the workspace, such as that of part 2. All
# commands here take seconds. If there is no run yet, the first one trains it, which takes about 2
# minutes on 2 cores. This part takes about 30 minutes.
# %% [markdown] lang="zh"
# # 6. 画得好不好
#
# ## 实验介绍
#
# 损失只说明两个网络谁强谁弱，并不说明图像好不好：判别器太弱，损失也会接近均衡点。本项目用另外两个
# 网络来衡量图像：评判网络从没见过生成图像；独立判别网络则专门为分辨真假而从头训练。本实验学习看懂
# 这些评分，再用一些生成器绝不该画的图像去骗它们。
#
# ## 实验目的
#
# - 看懂评分、误差和基准值，判断它是否比真实图像差。
# - 弄清哪个评分看得出哪种毛病，对哪种毛病视而不见。
# - 说明交叉熵低能证明什么，高又能证明什么。
#
# ## 预备知识
#
# - 标准误差（实验 5），交叉熵和均衡（实验 3）。
# - 各个评分的说明见 [docs/samples.zh-CN.md](../../docs/samples.zh-CN.md#评分怎么读)，任务 1 要用到
#   这一节。
#
# ## 实验环境
#
# 双核 CPU，不需要网络；工作区里有一次 `mnist` 的训练结果即可，例如实验 2 的结果。这里的命令都只要
# 几秒。如果还没有训练过，第一条命令会先训练，双核上约 2 分钟。本实验大约需要 30 分钟。
# %% lang="en"
from stages.tools.course.session import begin

course = begin(6, "en")
# %% lang="zh"
from stages.tools.course.session import begin

course = begin(6, "zh")
# %%
log = course.run("dvc repro evaluate@mnist")
# %% [markdown] lang="en"
# ## Steps
#
# ### Task 1: a score, its error and its floor
#
# A score says little by itself. A perfect generator gets the floor, which is the score of real
# images. Both have a standard error. So ask: how many standard errors is the score away from its
# floor?
#
#     (value - floor) / root(error^2 + floor_error^2)
#
# Write this as a function. If its absolute value is beyond about 2, the score differs from real
# images by more than chance.
# %% [markdown] lang="zh"
# ## 实验步骤
#
# ### 任务 1：评分、误差和基准值
#
# 单看一个评分没有意义。完美的生成器得到的是基准值，也就是真实图像自己的得分。两者都有标准误差。所
# 以要问：评分离基准值有几个标准误差？
#
#     (value - floor) / sqrt(error^2 + floor_error^2)
#
# 把它写成函数。绝对值超过 2 左右，就不能再用偶然来解释。下面打印的 `apart` 就是这个数。
# %%
import json
from pathlib import Path

scores = json.loads(Path("metrics/mnist/scores.json").read_text(encoding="utf-8"))


def apart(score):
    # en: score: a dict of value, error, floor and floor_error
    # zh: score 是字典，含 value、error、floor 和 floor_error
    # BEGIN SOLUTION
    deviation = (score["error"] ** 2 + score["floor_error"] ** 2) ** 0.5
    return round((score["value"] - score["floor"]) / deviation, 2) if deviation else 0.0
    # END SOLUTION


for name, score in scores["quality"].items():
    numbers = "  ".join(f"{key} {number:.4f}" for key, number in score.items())
    print(f"{name:28}{numbers}  apart", apart(score))
course.answer("distance_apart", apart(scores["quality"]["frechet_distance"]))
course.answer("coverage_apart", apart(scores["quality"]["coverage"]))
# %% [markdown] lang="en"
# How to read the sign of `apart`:
#
# - frechet_distance, kernel_distance, class_divergence, untrained_frechet_distance: lower is
#   better. Above 0 is worse than real images.
# - precision, recall, density, coverage, class_coverage, clipped_density, clipped_coverage: higher
#   is better. Below 0 is worse than real images. After a short training recall can be 0: no real
#   image lies among the generated ones.
# - memorisation asks how often a generated image is nearer to a training image than a new real
#   image is. Its floor is 0.5. **Above** the floor G copies. **Below** it, G's images are farther
#   from all real images: they are not good enough, and nothing is copied. So a large negative
#   number is usual here.
# - near_copies is the share of images that are very near to a training image. Its floor is 0.01.
#   **Above** the floor G copies. 0 is usual.
#
# Which of these comparisons mean something? (Choose all that do.)
#
# - A: the Frechet distance of this run with its floor
# - B: the Frechet distance of this run with that of another run, whose judge has the same sha256
# - C: the Frechet distance of this run with one from a paper, measured with the Inception network
# - D: the precision of this run with its own recall
# %% [markdown] lang="zh"
# `apart` 的正负号这样看：
#
# - frechet_distance、kernel_distance、class_divergence、untrained_frechet_distance：越低越好，正数
#   表示比真实图像差。
# - precision、recall、density、coverage、class_coverage、clipped_density、clipped_coverage：越高越
#   好，负数表示比真实图像差。训练很短时，recall 可能是 0：没有一张真实图像落在生成图像中间。
# - memorisation 问的是：和新的真实图像相比，生成图像有多大概率离训练图像更近。基准值是 0.5。
#   **高于**基准值，说明生成器在抄；**低于**基准值，说明生成图像离所有真实图像都更远，画得还不够好，
#   但没有抄。所以这里常常是很大的负数。
# - near_copies 是与某张训练图像极为接近的图像所占的比例，基准值是 0.01。**高于**基准值，说明生成器
#   在抄；等于 0 很正常。
#
# 下面哪些比较是有意义的？（可多选）
#
# - A：这次训练的 Frechet 距离和它的基准值
# - B：这次训练和另一次训练的 Frechet 距离，两次的评判网络 sha256 相同
# - C：这次训练的 Frechet 距离和论文里用 Inception 网络算出的 FID
# - D：这次训练的精度（precision）和它自己的召回率（recall）
# %%
valid = ["A", "B"]  # SOLUTION
course.answer("valid_comparisons", valid)
# %% [markdown] lang="en"
# ### Task 2: a generator that copies
#
# The function below scores any images as if a generator had drawn them, in a second. It prints the
# value, the floor, and your distance between them. First score a "generator" that hands out
# training images.
# %% [markdown] lang="zh"
# ### 任务 2：只会抄的生成器
#
# 下面的函数把任何图像都当作生成图像来打分，只要一秒，打印评分、基准值和你算的 `apart`。先给一个
# “生成器”打分：它直接交出训练图像。
# %%
import numpy as np

from stages.gan import params
from stages.gan.common import paths
from stages.gan.data import prepared
from stages.gan.evaluation import scoring

known = prepared.load(paths.prepared("mnist"), "train")
held_out = prepared.load(paths.prepared("mnist"), "test")
settings = params.load(paths.PARAMS, "mnist").evaluate
images = np.asarray(known.images, np.float32)  # (N, 1, 28, 28), [-1, 1]
labels = np.asarray(known.labels)  # (N,), 0..9
count = len(held_out)
order = np.random.default_rng(1).permutation(len(images))  # en: mixes the images  # zh: 打乱顺序


def score_of(shown):
    found = scoring.quality(known, held_out, paths.judge("mnist"), shown, settings)
    for name, score in found.items():
        print(f"{name:28}{score['value']:8.3f}  floor{score['floor']:8.3f}  apart", apart(score))
    return found


copier = images[order[:count]]
found = score_of(copier)
# %% [markdown] lang="en"
# Which of these scores notice that nothing is new? Look for an `apart` beyond 2 on the side that
# means worse. (A: frechet_distance, B: precision, C: recall, D: coverage, E: class_coverage, F:
# memorisation, G: near_copies)
# %% [markdown] lang="zh"
# 哪些评分看得出没有一张是新画的？看哪些 `apart` 的绝对值超过 2，而且在“更差”的那一边。（A：
# frechet_distance，B：precision，C：recall，D：coverage，E：class_coverage，F：memorisation，G：
# near_copies；可多选）
# %%
sees_copies = ["F", "G"]  # SOLUTION
course.answer("sees_copies", sees_copies)
# %% [markdown] lang="en"
# ### Task 3: a generator that draws one image
#
# The failed run of part 4 draws one image for all codes. Score `count` times the same real image.
# `np.repeat(images[:1], count, axis=0)` makes it.
# %% [markdown] lang="zh"
# ### 任务 3：只画一张图的生成器
#
# 实验 4 里失败的训练，不管给什么隐码都画同一张图。请给同一张真实图像的 `count` 份拷贝打分，可以用
# `np.repeat(images[:1], count, axis=0)` 生成。
# %%
# BEGIN SOLUTION
found = score_of(np.repeat(images[:1], count, axis=0))
# END SOLUTION
# %% [markdown] lang="en"
# One of these five scores is as good as that of real images. Which? (A: frechet_distance, B:
# precision, C: recall, D: coverage, E: class_coverage) And what share of the classes is covered?
# %% [markdown] lang="zh"
# 下面五个评分里，有一个和真实图像的一样好，是哪个？（A：frechet_distance，B：precision，C：recall，
# D：coverage，E：class_coverage）另外，覆盖了多大比例的类别？
# %%
fooled = "B"  # SOLUTION
course.answer("fooled", fooled)
classes_of_one = 0.1  # SOLUTION
course.answer("classes_of_one", classes_of_one)
# %% [markdown] lang="en"
# ### Task 4: a generator that leaves classes out
#
# Make `count` images of the digits 0 to 4 alone, from `images`, `labels` and `order`, and score
# them.
# %% [markdown] lang="zh"
# ### 任务 4：漏画几个类别的生成器
#
# 用 `images`、`labels` 和 `order` 取出 `count` 张只含数字 0 到 4 的图像，给它们打分。
# %%
# BEGIN SOLUTION
low = order[labels[order] < 5][:count]
found = score_of(images[low])
# END SOLUTION
# %% [markdown] lang="en"
# What is the class coverage? And which score does not notice it? (The same letters as in task 3.)
# %% [markdown] lang="zh"
# class_coverage 是多少？哪个评分没看出来？（字母同任务 3）
# %%
half_of_classes = found["class_coverage"]["value"]  # SOLUTION
course.answer("half_of_classes", half_of_classes)
blind_to_missing = "B"  # SOLUTION
course.answer("blind_to_missing", blind_to_missing)


# %% [markdown] lang="en"
# ### Task 5: what a cross-entropy proves
#
# Let L be the sum of a discriminator's two cross-entropy terms on new images. Then the real and
# the generated images differ by at least
#
#     JSD >= ln 2 - L / 2
#
# This holds for any discriminator: for the D that was trained together with G, and for the critic.
# Compute both bounds from `scores`: the two sums are `scores["bce"]["discriminator"]["value"]` and
# `scores["critic"]["bce"]["value"]`. A bound below 0 counts as 0.
# %% [markdown] lang="zh"
# ### 任务 5：交叉熵能证明什么
#
# 设 L 是某个判别器在新图像上两项交叉熵之和，那么真实图像和生成图像的 JSD（见实验 3）至少是
#
#     JSD >= ln 2 - L / 2
#
# 任何判别器都适用：和生成器一起训练的判别器可以，独立判别网络也可以。请用 `scores` 算出这两个下
# 界，两个和分别是 `scores["bce"]["discriminator"]["value"]` 和
# `scores["critic"]["bce"]["value"]`。小于 0 时按 0 算。
# %%
def bound(total):
    # BEGIN SOLUTION
    return max(0.0, float(np.log(2)) - total / 2)
    # END SOLUTION


course.answer("bound_of_d", bound(scores["bce"]["discriminator"]["value"]))
course.answer("bound_of_critic", bound(scores["critic"]["bce"]["value"]))
# %% [markdown] lang="en"
# Suppose D's sum is 1.386, which is 2 ln 2, and the critic's sum is 0.4. Which is true?
#
# - A: The run is at equilibrium, so the images are like real ones.
# - B: D cannot tell the images apart. But they differ from real ones, by a JSD of at least 0.49.
# - C: The two figures contradict each other, so one of the networks is broken.
# %% [markdown] lang="zh"
# 假设判别器的和是 1.386，也就是 2 ln 2，而独立判别网络的和是 0.4。哪种说法对？
#
# - A：训练到了均衡点，所以图像和真的一样。
# - B：判别器分不出真假，但图像确实和真的不同，JSD 至少是 0.49。
# - C：两个数互相矛盾，肯定有一个网络坏了。
# %%
it_proves = "B"  # SOLUTION
course.answer("it_proves", it_proves)
# %% [markdown] lang="en"
# ## Summary
#
# - Compare a score with its floor, and only with scores of the same judge.
# - No score sees everything. Precision and density ask only whether each image looks real: one good
#   image again and again is enough for them. Recall, coverage and class coverage see what is
#   missing. Only memorisation and near copies see copies.
# - A low cross-entropy proves a difference. A high one proves nothing: the discriminator may be
#   weak.
#
# [docs/calibration.md](../../docs/calibration.md) tries more faults, on real MNIST and on faces.
# Check this part again with `python -m stages course check 6`.
# %% [markdown] lang="zh"
# ## 实验小结
#
# - 评分要和基准值比，而且只能和同一个评判网络给出的评分比。
# - 没有哪个评分什么都看得出。precision 和 density 只问单张图画得真不真，同一张好图画一万遍也能骗过
#   它们；recall、coverage 和 class_coverage 看得出缺了什么；只有 memorisation 和 near_copies 看得出
#   抄袭。
# - 交叉熵低，证明图像有差别；交叉熵高，什么也证明不了，也许只是判别器太弱。
#
# [docs/calibration.md](../../docs/calibration.md)（英文）在真实 MNIST 和头像上试了更多毛病。随时可
# 以用 `python -m stages course check 6` 再检查一遍。
