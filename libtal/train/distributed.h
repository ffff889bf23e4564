// Several training processes, started by torchrun, mpirun or srun: LibTorch's Gloo on CPUs, NCCL on GPUs.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>

#include "libtal/train/communicator.h"

namespace tal {

// From the environment: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT (torchrun); OMPI_COMM_WORLD_RANK/SIZE, PMI_RANK/SIZE
// (mpirun); SLURM_PROCID/NTASKS (srun) with MASTER_ADDR and MASTER_PORT. A process of its own when none is set or the
// size is 1. Error for variables that contradict each other, and when the others cannot be met.
std::unique_ptr<Communicator> make_communicator(const c10::Device& device);

// The GPU of this process: `opened` as --device `name` says it; of "cuda" on a machine with several, the one that
// LOCAL_RANK (torchrun), OMPI_COMM_WORLD_LOCAL_RANK, MPI_LOCALRANKID (mpirun) or SLURM_LOCALID (srun) counts.
// UsageError when there are fewer.
c10::Device own_device(const c10::Device& opened, const std::string& name);

}  // namespace tal
