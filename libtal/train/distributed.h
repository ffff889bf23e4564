// Several training processes, started by torchrun, mpirun or srun: LibTorch's own process groups (Gloo on CPUs).
#pragma once

#include <memory>

#include "libtal/train/communicator.h"

namespace tal {

// From the environment: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT (torchrun); OMPI_COMM_WORLD_RANK/SIZE, PMI_RANK/SIZE
// (mpirun); SLURM_PROCID/NTASKS (srun) with MASTER_ADDR and MASTER_PORT. A process of its own when none is set or the
// size is 1. Error for variables that contradict each other.
std::unique_ptr<Communicator> make_communicator();

}  // namespace tal
