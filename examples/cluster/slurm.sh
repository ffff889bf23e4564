#!/bin/sh
# A Slurm of two nodes on this machine, and a job array over shards:
#   slurm.sh start FOLDER | stop FOLDER           the controller and two slurmd on the loopback; their files are below FOLDER
#   slurm.sh submit FOLDER STEP SHARDS SUFFIX     STEP in.jsonl in.SUFFIX for each SHARDS/*.jsonl that has no result yet, one array task each
#   slurm.sh wait FOLDER                          until no job is left
#   slurm.sh run FOLDER STEP SHARDS SUFFIX        all of these
# On a cluster that is there, submit alone: leave SLURM_CONF as it is.
set -eu

die() { printf 'slurm.sh: %s\n' "$1" >&2; exit 1; }

start() {
  mkdir -p "$1"
  folder=$(cd "$1" && pwd)
  port=$(python3 -c 'import socket
probes = [socket.socket() for _ in range(3)]
for probe in probes: probe.bind(("127.0.0.1", 0))
print(*[probe.getsockname()[1] for probe in probes])')
  # shellcheck disable=SC2086
  set -- $port
  host=$(hostname -s)
  cat >"$folder/slurm.conf" <<END
ClusterName=tal
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$1
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/none
CredType=cred/none
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SlurmdTimeout=10
MessageTimeout=10
BatchStartTimeout=30
KillWait=2
JobRequeue=1
SchedulerParameters=bf_interval=1,sched_min_interval=100000,batch_sched_delay=1
NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$2 CPUs=1 State=UNKNOWN
NodeName=node2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$3 CPUs=1 State=UNKNOWN
PartitionName=all Nodes=node1,node2 Default=YES MaxTime=INFINITE State=UP
END
  mkdir -p "$folder/state" "$folder/node1" "$folder/node2"
  SLURM_CONF=$folder/slurm.conf
  export SLURM_CONF
  slurmctld
  for node in node1 node2; do slurmd -N "$node"; done
  tries=0
  until [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || { tail -n 5 "$folder"/*.log >&2; die "the nodes do not come up"; }
    sleep 0.5
  done
}

stop() {
  for file in "$1"/node1.pid "$1"/node2.pid "$1"/slurmctld.pid; do
    [ ! -e "$file" ] || kill "$(cat "$file")" 2>/dev/null || true
  done
}

submit() {
  SLURM_CONF=${SLURM_CONF:-$1/slurm.conf}
  export SLURM_CONF
  step=$2 shards=$3 suffix=$4 count=0
  : >"$shards/array"
  for shard in "$shards"/*.jsonl; do
    [ -e "${shard%.jsonl}$suffix" ] || { printf '%s\n' "$shard" >>"$shards/array"; count=$((count + 1)); }
  done
  [ "$count" -gt 0 ] || return 0
  # A node that dies takes its tasks with it: they are queued again (--requeue). What a task writes appears when it is complete.
  sbatch --quiet --requeue --array="1-$count" --output="$shards/%a.log" --open-mode=append <<END
#!/bin/sh
shard=\$(sed -n "\${SLURM_ARRAY_TASK_ID}p" '$shards/array')
exec '$step' "\$shard" "\${shard%.jsonl}$suffix"
END
}

wait_for() {
  SLURM_CONF=${SLURM_CONF:-$1/slurm.conf}
  export SLURM_CONF
  while [ -n "$(squeue -h -o %i)" ]; do sleep 0.5; done
}

command=${1:-}
[ $# -ge 2 ] || die "start, stop, submit, wait or run, and a folder"
shift
case $command in
  start) start "$@" ;;
  stop) stop "$@" ;;
  submit) submit "$@" ;;
  wait) wait_for "$@" ;;
  run)
    trap 'stop "$1"' EXIT
    start "$1"
    submit "$@"
    wait_for "$1"
    ;;
  *) die "unknown command '$command'" ;;
esac
