# %% [markdown] lang="en"
# # 1. The lecture's script
#
# ## Introduction
# %% [markdown] lang="zh"
# # 1. 课程脚本
#
# ## 实验介绍
# %% lang="en"
from stages.tools.course.session import begin

course = begin(1, "en")
# %% lang="zh"
from stages.tools.course.session import begin

course = begin(1, "zh")
# %%
loss = 0.693147  # SOLUTION
course.answer("equilibrium", loss)
