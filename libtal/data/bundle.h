// Bundles: the pipe from videos to labelled segments together with the models of its stages. A bundle is a folder with
// the models and a file `pipeline`, or one safetensors file that was made of such a folder: metadata format
// (tal-bundle/1), pipeline, weights (JSON: name -> SHA-256 of the encoder's weights, which stay files of their own),
// and of each model NAME its metadata and tensors as NAME/KEY.
//
// `pipeline` has one line a stage: a tool with its arguments, in plain words or single quotes; @/NAME is a file of the
// bundle. Empty lines and lines that begin with # are skipped.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tal {

struct Bundle {
  std::string path;
  bool folder = false;
  std::string pipeline;                          // the text
  std::vector<std::vector<std::string>> stages;  // words of each, without their quotes
  std::map<std::string, std::string> weights;    // of one file: those that the encoders read, "sha256:..."
};

// Error that names the file for a pipeline that has no stages, or that names anything but the tools of a pipe, files to
// write, or syntax of the shell: a bundle from elsewhere runs nothing else.
Bundle open_bundle(const std::string& path);

// Packs a folder into one file, atomically; equal folders give equal bytes. Error when a stage names a file outside the
// folder, or one that is no model, and when two models were trained on different features of one name.
void write_bundle(const Bundle& bundle, const std::string& path);

// The stages as lines for sh, each @/NAME in its place: below the folder, FILE/NAME for the models of one file, and of
// `weights` the file with the digest that the bundle asks for. Error for weights that are missing, or asked for by
// none. reads: "videos" - Error when the first stage is neither tal-extract nor tal-propose with a model that sees
// frames, which take --videos; "records" - tal-extract is left out there, and Error when nothing follows it; "": all.
std::vector<std::string> stage_commands(const Bundle& bundle, const std::vector<std::string>& weights,
                                        const std::string& reads = "");

// What a model file or a bundle says of itself: classes, inputs (streams with their settings), settings, the training's
// summary; for people, and as a JSON object. Error when it cannot be read.
std::string model_text(const std::string& path);
std::string model_json(const std::string& path);

}  // namespace tal
