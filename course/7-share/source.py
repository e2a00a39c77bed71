# %% [markdown] lang="en"
# # 7. Share
#
# ## Introduction
#
# A result is worth something if others can check it. In this part you pack your run into one file,
# a bundle, and you change sides: you check a bundle as a teacher or a reader does, you damage one,
# and you forge one. At the end you hand in a bundle with your answers to the whole course.
#
# ## Aims
#
# - Pack a run, check it, and unpack it.
# - Say what the check finds, and what it cannot find.
# - Collect bundles into one table, and hand yours in.
#
# ## What to know
#
# - What a hash is: a short number that changes if any byte of a file changes. Here it is sha256.
# - [docs/sharing.md](../../docs/sharing.md#a-run-in-one-file) describes bundles.
#
# ## Environment
#
# Two cores, no network, and a run of `mnist` in the workspace. The first command runs the stages
# that are missing: up to a minute on 2 cores. All other commands take seconds. This part takes
# about 20 minutes.
# %% [markdown] lang="zh"
# # 7. 分享
#
# ## 实验介绍
#
# 别人能检查的结果才有价值。本实验先把训练结果打包成一个文件，再换到对面：像老师或读者那样检查一个
# 包，亲手损坏一个，再伪造一个。最后交上带有全部答案的包。
#
# ## 实验目的
#
# - 打包、检查、解包一次训练。
# - 说出检查能发现什么，不能发现什么。
# - 把许多包汇成一张表，并交上自己的包。
#
# ## 预备知识
#
# - 哈希：文件里任何一个字节变了，这个数就会变。这里用 sha256。
# - 包的说明见 [docs/sharing.zh-CN.md](../../docs/sharing.zh-CN.md#把一次运行打包成一个文件)。
#
# ## 实验环境
#
# 双核 CPU，不需要网络，工作区里有一次 `mnist` 的训练结果。第一条命令会补跑缺少的阶段，双核上最多一
# 分钟，其余命令都只要几秒。本实验大约需要 20 分钟。
# %% lang="en"
from stages.tools.course.session import begin

course = begin(7, "en")
# %% lang="zh"
from stages.tools.course.session import begin

course = begin(7, "zh")
# %% [markdown] lang="en"
# ## Steps
#
# ### Task 1: pack
#
# How many hexadecimal digits has a sha256? Try `hashlib.sha256(b"a").hexdigest()`, and change the
# letter.
# %% [markdown] lang="zh"
# ## 实验步骤
#
# ### 任务 1：打包
#
# sha256 有多少位十六进制数字？试试 `hashlib.sha256(b"a").hexdigest()`，再换个字母看看。
# %%
import hashlib
import json
import shutil
from pathlib import Path

hash_digits = len(hashlib.sha256(b"a").hexdigest())  # SOLUTION
course.answer("hash_digits", hash_digits)
# %% [markdown] lang="en"
# A bundle is packed only if all results fit the params and the code that are here. So first run
# what is missing. Nothing is overwritten: older bundles of this exercise are removed here.
# %% [markdown] lang="zh"
# 只有所有结果都和当前的参数、代码相符，才能打包，所以先补跑缺少的阶段。打包不会覆盖已有文件，这里
# 先删掉本实验以前留下的包。
# %%
work = Path("bundles/exercise")
shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
log = course.run("dvc repro report@mnist export@mnist play@mnist")
log = course.run(f"python -m stages bundle mnist --output {work}/mine.zip")


# %% [markdown] lang="en"
# Whoever gets the file should know its sha256 from you by another way: on paper, or by phone.
# Compute it in Python, not by copying it from above. `hashlib.sha256(data).hexdigest()` takes the
# bytes of a file.
# %% [markdown] lang="zh"
# 收到文件的人，应当从另一条途径得知它的 sha256，比如写在纸上，或者打电话。请用 Python 算出来，不要
# 从上面抄。`hashlib.sha256(data).hexdigest()` 的参数是文件的全部字节。
# %%
def sha256_of(path):
    # BEGIN SOLUTION
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    # END SOLUTION


course.answer("packed", sha256_of(work / "mine.zip"))
# %% [markdown] lang="en"
# ### Task 2: check and unpack
#
# Now you are the reader. The check reads every byte, compares it with the list in the bundle, and
# then prints what the bundle says about the run.
# %% [markdown] lang="zh"
# ### 任务 2：检查并解包
#
# 现在你是读者。检查会读每一个字节，和包里的清单对照，然后打印包中对训练的描述。
# %%
log = course.run(f"python -m stages bundle --check {work}/mine.zip --unpack {work}/got")
# %% [markdown] lang="en"
# The bundle does not hold everything. Which of these are in it? Look into the folder. (A: the
# weights of the generator, B: the training images, C: the params, D: the hashes of the training
# images, E: the versions of the packages, F: your answers)
# %% [markdown] lang="zh"
# 包里并不是什么都有。下面哪些在里面？打开文件夹看一看。（A：生成器的权重，B：训练图像，C：参数，
# D：训练图像的哈希，E：各个软件包的版本，F：你的答案；可多选）
# %%
for path in sorted((work / "got").rglob("*")):
    # en: epochs holds many pictures
    # zh: epochs 里图片太多，略去
    if path.is_file() and path.parent.name != "epochs":
        print(path.relative_to(work / "got"))
# %%
inside = ["A", "C", "D", "E", "F"]  # SOLUTION
course.answer("inside", inside)
# %% [markdown] lang="en"
# ### Task 3: damage
#
# Change one byte of `metrics/mnist/scores.json` in a copy of the folder, as a bad disk would. Then
# check the copy. With which exit code does the check end? (`course.run` does not print it. Run the
# same command in a terminal, then `echo $?`.)
# %% [markdown] lang="zh"
# ### 任务 3：损坏
#
# 在文件夹的一份拷贝里，改掉 `metrics/mnist/scores.json` 的一个字节，就像硬盘出错那样，再检查这份拷
# 贝。检查以什么退出码结束？（`course.run` 不打印退出码；在终端里运行同一条命令，再运行
# `echo $?`，就能看到。）
# %%
shutil.copytree(work / "got", work / "damaged")
broken = work / "damaged" / "metrics" / "mnist" / "scores.json"
# BEGIN SOLUTION
data = bytearray(broken.read_bytes())
data[100] ^= 1
broken.write_bytes(data)
# END SOLUTION
log = course.run(f"python -m stages bundle --check {work}/damaged", ok=(0, 1))
# %%
exit_code = 1  # SOLUTION
course.answer("exit_code", exit_code)
# %% [markdown] lang="en"
# ### Task 4: forgery
#
# A forger does not stop at the scores. The list of files is in the bundle, too, so a new list goes
# in. Look at the line of the Frechet distance that the check prints.
# %% [markdown] lang="zh"
# ### 任务 4：伪造
#
# 造假的人不会只改评分。清单也在包里，那就连清单一起换掉。注意检查打印出的 Frechet 距离那一行。
# %%
from dataclasses import replace

from stages.tools.bundle import manifest

shutil.copytree(work / "got", work / "forged")
better = work / "forged" / "metrics" / "mnist" / "scores.json"
scores = json.loads(better.read_text(encoding="utf-8"))
scores["quality"]["frechet_distance"]["value"] = 0.01
better.write_text(json.dumps(scores), encoding="utf-8")
listed = work / "forged" / manifest.NAME
old = manifest.parse(listed.read_bytes())
entry = (better.stat().st_size, hashlib.sha256(better.read_bytes()).hexdigest())
new = replace(old, files={**old.files, "metrics/mnist/scores.json": entry})
listed.write_bytes(new.to_json())
log = course.run(f"python -m stages bundle --check {work}/forged", ok=(0, 1))
# %% [markdown] lang="en"
# What shows that this bundle is forged? (Choose all that do.)
#
# - A: to run the same check again
# - B: to compare its sha256 with the one that its author told you
# - C: to train again with its params, on the same kind of processor, and to compare the scores
# - D: to compare the hash of `scores.json` with the one in the bundle's `dvc.lock`, if the forger
#   forgot that file
# - E: to look at the date of the file
# %% [markdown] lang="zh"
# 怎样才能看出这个包是伪造的？（可多选）
#
# - A：把同样的检查再运行一遍
# - B：把它的 sha256 和作者告诉你的对照
# - C：用它的参数，在同一种处理器上重新训练，再比较评分
# - D：把 `scores.json` 的哈希和包里 `dvc.lock` 记录的对照，如果造假的人忘了改这个文件
# - E：看文件的日期
# %%
shows_forgery = ["B", "C", "D"]  # SOLUTION
course.answer("shows_forgery", shows_forgery)
# %% [markdown] lang="en"
# Try D. `dvc.lock` has the md5 of each result. What are the first 8 digits of the md5 that it has
# for `metrics/mnist/scores.json`? Compare them with the md5 of the forged file.
# %% [markdown] lang="zh"
# 试一试 D。`dvc.lock` 里有每个结果的 md5。它给 `metrics/mnist/scores.json` 记录的 md5，前 8 位是什
# 么？和伪造的文件的 md5 比一比。
# %%
import yaml

lock = yaml.safe_load((work / "forged" / "dvc.lock").read_text(encoding="utf-8"))
outs = [out for stage in lock["stages"].values() for out in stage.get("outs", [])]
# BEGIN SOLUTION
of_scores = next(out["md5"] for out in outs if out["path"] == "metrics/mnist/scores.json")
# END SOLUTION
print("forged:", hashlib.md5(better.read_bytes()).hexdigest())
locked = of_scores[:8]  # SOLUTION
course.answer("locked", locked)
# %% [markdown] lang="en"
# ### Task 5: collect, and hand in
#
# The teacher puts all bundles into one folder, and makes one table of them. Play the teacher: the
# folder below holds your bundle twice, once whole and once damaged.
# %% [markdown] lang="zh"
# ### 任务 5：汇总和提交
#
# 老师把所有的包放进一个文件夹，汇成一张表。你来当一次老师：下面的文件夹里有你的包两份，一份完好，
# 一份损坏。
# %%
desk = work / "desk"
desk.mkdir()
shutil.copy(work / "mine.zip", desk / "whole.zip")
data = bytearray((work / "mine.zip").read_bytes())
data[len(data) // 2] ^= 1
(desk / "damaged.zip").write_bytes(data)
log = course.run(f"python -m stages course collect {desk}", ok=(0, 1))
# %% [markdown] lang="en"
# Open the page that it names. How many of the two bundles are intact?
# %% [markdown] lang="zh"
# 打开它给出的页面。两个包里有几个是完好的？
# %%
intact = 1  # SOLUTION
course.answer("intact", intact)
# %% [markdown] lang="en"
# Now hand in. The bundle of task 1 was packed before your last answers, so pack again. Put your
# name into the name of the file, and give your teacher the file and, by another way, its sha256:
#
#     python -m stages course check
#     python -m stages bundle mnist --output bundles/your-name.zip
#
# ## Summary
#
# - A bundle holds what a reader needs to check a run and to repeat it: params, hashes, versions,
#   results.
# - The check finds damage. It does not find forgery: for that you need a hash from the author, or
#   a second run.
# - A run that repeats byte for byte can be checked by anybody.
# %% [markdown] lang="zh"
# 现在可以提交了。任务 1 的包是在最后几个答案之前打的，所以要重新打包。文件名里写上你的名字，把文件
# 交给老师，再从另一条途径告诉老师它的 sha256：
#
#     python -m stages course check
#     python -m stages bundle mnist --output bundles/your-name.zip
#
# ## 实验小结
#
# - 包里有读者检查和重复一次训练所需要的东西：参数、哈希、版本、结果。
# - 检查能发现损坏，发现不了伪造：那要靠作者告诉你的哈希，或者重新训练一次。
# - 能逐字节重复的训练，谁都可以检查。
