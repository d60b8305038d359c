#!/usr/bin/env bash
# A real SLURM cluster on this machine, as root and without systemd: munged, slurmctld, and a slurmd a node.
#
#   cluster.sh install        the Debian packages
#   cluster.sh up DIR         two idle nodes of four processors; then: . DIR/env.sh
#   cluster.sh node DIR I     start the slurmd of node I again
#   cluster.sh clear DIR      cancel what runs, start what has died, and wait until both nodes are idle
#   cluster.sh down DIR       cancel what runs and end exactly the daemons that `up` has started
#
# Everything lies in DIR; of /etc only a marked line of /etc/hosts is touched: Lightning takes the first node's name
# for the address of the main process, so the names must resolve.
set -euo pipefail
action=${1:-} dir=${2:-} nodes=${NODES:-2} port=${PORT0:-17000}
host=$(hostname -s 2>/dev/null || hostname)

start() { # start NAME COMMAND...: in a session of its own, so that the recorded process is the daemon
  local name=$1
  shift
  setsid "$@" >"$dir/log/$name.out" 2>&1 </dev/null &
  echo "$! $name" >>"$dir/pids"
}

start_node() {
  mkdir -p "$dir/spool-lrn$1"
  start "slurmd-lrn$1" "$(command -v slurmd || echo /usr/sbin/slurmd)" -D -N "lrn$1" -f "$dir/slurm.conf"
}

wait_until() { # wait_until SECONDS COMMAND...
  local tries=$(($1 * 10))
  shift
  for _ in $(seq "$tries"); do
    if "$@" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  return 1
}

controller_is_up() { scontrol ping | grep -q 'is UP'; }
all_idle() { [ "$(sinfo -h -N -p main -o %T | grep -c '^idle$')" = "$nodes" ]; }
queue_is_empty() { [ -z "$(squeue -h)" ]; }
is_alive() { [ "$(cat "/proc/$1/comm" 2>/dev/null || true)" = "$2" ]; } # the number may belong to another by now

cancel_all() {
  local jobs
  jobs=$(squeue -h -o %A | sort -u)
  # shellcheck disable=SC2086
  [ -z "$jobs" ] || scancel $jobs || true
  wait_until 90 queue_is_empty
}

start_dead_nodes() {
  local i pid
  for i in $(seq "$nodes"); do
    pid=$(awk -v name="slurmd-lrn$i" '$2 == name {pid = $1} END {print pid}' "$dir/pids")
    is_alive "$pid" slurmd || start_node "$i"
  done
}

complain() { # what is known when the cluster does not do as it should
  {
    echo "cluster.sh $action: the cluster does not come to rest."
    scontrol show node
    squeue
    tail -n 15 "$dir"/log/*
  } >&2
  exit 1
}

write_configuration() {
  cat >"$dir/slurm.conf" <<CONF
ClusterName=lazyregime
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job waits before it may start again (120 s by default).
AuthInfo=socket=$dir/munge-run/munge.socket,cred_expire=5
StateSaveLocation=$dir/ctld
SlurmdSpoolDir=$dir/spool-%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
SlurmctldParameters=preempt_send_user_signal
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SchedulerParameters=batch_sched_delay=1,sched_interval=1,sched_min_interval=0,bf_interval=5
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=30
SlurmctldTimeout=300
SlurmdTimeout=${SLURMD_TIMEOUT:-20}
MinJobAge=600
JobRequeue=1
MailProg=/bin/true
NodeName=lrn[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + nodes))] CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=60
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=100 PreemptMode=OFF
CONF
  echo "export SLURM_CONF=$dir/slurm.conf" >"$dir/env.sh"
}

case "$action" in
  install)
    command -v slurmctld slurmd sbatch srun munged >/dev/null && exit 0
    [ "$(id -u)" = 0 ] || { echo "cluster.sh install: SLURM is not installed, and installing it takes root." >&2; exit 1; }
    apt-get update -qq || true # an old list may still do
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge ||
      { echo "cluster.sh install: apt-get cannot get SLURM's packages (slurmctld slurmd slurm-client munge)." >&2; exit 1; }
    ;;
  up)
    [ "$(id -u)" = 0 ] || { echo "cluster.sh up: SLURM's daemons need root." >&2; exit 1; }
    [ ! -s "$dir/pids" ] || { echo "$dir/pids exists: cluster.sh down $dir first" >&2; exit 1; }
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    mkdir -p "$dir/ctld" "$dir/log" "$dir/munge" "$dir/munge-run"
    chmod 0700 "$dir/munge"
    [ -s "$dir/munge/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom >"$dir/munge/munge.key")
    chmod 0400 "$dir/munge/munge.key"
    write_configuration
    export SLURM_CONF=$dir/slurm.conf
    if ! getent hosts "lrn$nodes" >/dev/null; then
      echo "127.0.0.1 $(seq -f 'lrn%.0f' -s ' ' "$nodes") # lazyregime-slurm" >>/etc/hosts
    fi
    : >"$dir/pids"
    start munged "$(command -v munged || echo /usr/sbin/munged)" --foreground --force \
      --key-file="$dir/munge/munge.key" --seed-file="$dir/munge/munged.seed" --log-file="$dir/munge/munged.log" \
      --pid-file="$dir/munge/munged.pid" --socket="$dir/munge-run/munge.socket" --num-threads=2
    wait_until 10 test -S "$dir/munge-run/munge.socket"
    start slurmctld "$(command -v slurmctld || echo /usr/sbin/slurmctld)" -D -i -f "$dir/slurm.conf"
    wait_until 30 controller_is_up
    for i in $(seq "$nodes"); do start_node "$i"; done
    wait_until 60 all_idle || complain
    ;;
  node)
    dir=$(cd "$dir" && pwd)
    start_node "$3"
    ;;
  clear)
    dir=$(cd "$dir" && pwd)
    export SLURM_CONF=$dir/slurm.conf
    start_dead_nodes
    cancel_all || complain
    # After a node's death SLURM may count jobs on it that are gone (22.05); it forgets them when the node goes down.
    wait_until 75 all_idle || {
      scontrol update nodename="lrn[1-$nodes]" state=down reason=clear
      scontrol update nodename="lrn[1-$nodes]" state=resume
      wait_until 60 all_idle || complain
    }
    ;;
  down)
    [ -s "$dir/pids" ] || exit 0
    dir=$(cd "$dir" && pwd)
    export SLURM_CONF=$dir/slurm.conf
    if controller_is_up; then cancel_all || true; fi
    tac "$dir/pids" | while read -r pid name; do
      is_alive "$pid" "${name%%-*}" || continue
      kill -TERM "$pid" 2>/dev/null || continue
      wait_until 10 test ! -d "/proc/$pid" || kill -KILL "$pid"
    done
    rm -f "$dir/pids"
    sed '/# lazyregime-slurm$/d' /etc/hosts >"$dir/hosts" && cat "$dir/hosts" >/etc/hosts
    ;;
  *)
    sed -n '2,11p' "$0"
    exit 2
    ;;
esac
