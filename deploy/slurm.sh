#!/bin/bash
# Trains on four tasks of a Slurm cluster, one a node: sbatch deploy/slurm.sh
# Run in a folder that all nodes see: runs/ and saved_models/ are written there.
#SBATCH --job-name=reviews
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --signal=TERM@120
# For one GPU a task: #SBATCH --gpus-per-task=1

set -euo pipefail

# A task that is lost ends the others. One that Slurm ends, at the limit of its time or
# for another job, writes a checkpoint and ends with 130: it goes on when it comes again.
status=0
srun --kill-on-bad-exit=1 python pipelines/text_classification.py \
    --train reviews.csv --name reviews \
    --training.strategy multi_worker --resume || status=$?
if [ "$status" -eq 130 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
