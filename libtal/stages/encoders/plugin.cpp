// What libtal-encode.so offers to the tools (libtal/stages/plugins.h).
#include "libtal/encoder/networks/network_encoder.h"
#include "libtal/stages/plugins.h"

extern "C" const tal::EncoderNetworks* tal_encoder_networks(int interface) {
  static const tal::EncoderNetworks networks{tal::make_network_encoder};
  return interface == tal::kPluginInterface ? &networks : nullptr;
}
