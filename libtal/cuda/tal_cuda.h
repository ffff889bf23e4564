// What libtal_cuda.so offers: kernels on raw device pointers, launched on a stream. Plain C, no LibTorch and no CUDA
// header, so that the library can be opened at run time. Every function that launches returns 0 or a CUDA error code
// (tal_cuda_message) and does not wait for the device.
#pragma once

#include <cstdint>

#ifdef TAL_CUDA_BUILD
#define TAL_CUDA_API __attribute__((visibility("default")))
#else
#define TAL_CUDA_API
#endif

extern "C" {

// Changes with every change below.
constexpr std::int32_t kTalCudaAbi = 3;
TAL_CUDA_API std::int32_t tal_cuda_abi();
TAL_CUDA_API const char* tal_cuda_message(std::int32_t code);

// Where a kernel runs.
struct TalCudaQueue {
  std::int32_t device;  // its number
  void* stream;         // cudaStream_t
};

// The boundary-matching layer's sampling (libtal/nn/boundary_matching.h). T rows, D durations, N samples; proposals are
// numbered by duration, then start.
struct TalMatchingTable {
  std::int32_t rows, durations, samples;
  const std::int32_t* taps;  // [D, N, 3]: offset, begin, count; weight of row i + offset + k for (j, n): weights[begin
                             // + k], k < count
  const float* weights;
  // Further weights of row 0, by proposal and again by sample; null without truncation.
  const std::int32_t *proposal_begin, *extra_sample;  // [L + 1], [E]
  const float* extra_weight;                          // [E]
  const std::int32_t *sample_begin, *extra_proposal;  // [N + 1], [E]
  const float* extra_weight_by_sample;                // [E]
};

// g [B, T, N, O], bias [O] -> y [B, L, O]: y[b, p, o] = act(bias[o] + sum_n sum_tau M[tau, n, p] g[b, tau, n, o]).
TAL_CUDA_API std::int32_t tal_cuda_matching_forward(TalCudaQueue queue, const TalMatchingTable* table, const float* g,
                                                    const float* bias, float* y, std::int64_t batch,
                                                    std::int64_t filters, std::int32_t relu);
// dy [B, L, O] -> dg [B, T, N, O]: dg[b, tau, n, o] = sum_p M[tau, n, p] dy[b, p, o].
TAL_CUDA_API std::int32_t tal_cuda_matching_backward(TalCudaQueue queue, const TalMatchingTable* table, const float* dy,
                                                     float* dg, std::int64_t batch, std::int64_t filters);

// 1-D RoIAlign (libtal/nn/roi_align_1d.h). B clips of N segments, R rows of M sampling points each.
struct TalRoiSizes {
  std::int64_t clips, segments, rows, sampling;
  std::int64_t clip_rows, channels;  // rows of all levels of one clip
};
struct TalRoiPoint {
  std::int32_t row, next;  // in the matrix of all clips' rows
  float lower, upper;      // their weights, 1 / M in all
};

// segments [B, N, 2] centre and length, level_rows [K] and level_begin [K] (first row within a clip) -> points [B, N, R
// M].
TAL_CUDA_API std::int32_t tal_cuda_roi_points(TalCudaQueue queue, const TalRoiSizes* sizes, const double* segments,
                                              std::int32_t levels, const double* level_rows,
                                              const std::int64_t* level_begin, TalRoiPoint* points);
// values [B clip_rows, C], points -> y [B, N, R, C].
TAL_CUDA_API std::int32_t tal_cuda_roi_forward(TalCudaQueue queue, const TalRoiSizes* sizes, const float* values,
                                               const TalRoiPoint* points, float* y);
// points, dy [B, N, R, C] -> dvalues [B clip_rows, C], all of it written.
TAL_CUDA_API std::int32_t tal_cuda_roi_backward(TalCudaQueue queue, const TalRoiSizes* sizes, const TalRoiPoint* points,
                                                const float* dy, float* dvalues);

// The selective scan (libtal/nn/selective_scan.h), channels last. B sequences of L steps, D channels, N states; K = L /
// kTalScanSteps chunks of steps and G = D / kTalScanChannels groups of channels, both rounded up.
constexpr std::int64_t kTalScanSteps = 16, kTalScanChannels = 32;
struct TalScan {
  std::int64_t batch, steps, channels, states;
  const float *u, *delta, *z;   // [B, L, D]; z null: no gate
  const float* decay;           // A [N, D]
  const float *input, *output;  // B, C [B, L, N]
  const float *skip, *bias;     // D, bias of the steps [D]; null: none
  std::int32_t softplus;
};

// -> states before each chunk [B, K, N, D], totals of each chunk's steps [B, K, D], y [B, L, D].
TAL_CUDA_API std::int32_t tal_cuda_scan_forward(TalCudaQueue queue, const TalScan* scan, float* states, float* totals,
                                                float* y);
// Gradients of u, delta and z [B, L, D] (dz null: not wanted), and parts whose sums are those of A [B, K, N, D], D [B,
// K, D], B and C [G, B, L, N] each.
struct TalScanGradients {
  float *u, *delta, *z, *decay, *skip, *input, *output;
};
// states and totals are the forward pass's, dy [B, L, D]; carried: room for [B, K, N, D].
TAL_CUDA_API std::int32_t tal_cuda_scan_backward(TalCudaQueue queue, const TalScan* scan, const float* states,
                                                 const float* totals, const float* dy, float* carried,
                                                 const TalScanGradients* gradients);

// Maxima of windows of a picture (T = 1) or clip, channels last (libtal/nn/max_pool.h). Axes: time, height, width.
// Every window has at least one value of x.
struct TalPoolSizes {
  std::int64_t batch, channels;
  std::int64_t from[3], to[3], kernel[3], stride[3], padding[3];
};
// x [B, from..., C] -> y [B, to..., C], numbers of 2 or 4 `bytes`, both aligned to 16.
TAL_CUDA_API std::int32_t tal_cuda_max_pool(TalCudaQueue queue, const TalPoolSizes* sizes, std::int32_t bytes,
                                            const void* x, void* y);

}  // extern "C"
