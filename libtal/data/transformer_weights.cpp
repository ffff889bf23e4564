// Vision transformers under the names of libtal/nn/backbones/vision_transformer.h: the originals of VideoMAE, DINOv2
// and InternVideo2, CLIP's, and those of the transformers library. Query, key and value may stay three tensors; whoever
// loads them joins them.
#include "libtal/data/weight_maps.h"

namespace tal {
namespace {

// What pre-training and text need, and the encoder of pictures does not.
constexpr const char* kLeftOut = R"((?:.*\.)?(?:mae_|clip_|final_clip_)?decoder\..+ -> -
(?:.*\.)?(?:encoder_to_decoder|text_model|text_encoder|transformer\.resblocks|token_embedding|ln_final|text_projection)(?:\..+)? -> -
(?:.*\.)?(?:mask_token|logit_scale|logit_bias|position_ids|embeddings\.mask_token|embeddings\.position_ids) -> -
(?:.*\.)?(?:temp|clip_pos_embed|(?:vision_proj|text_proj|itm_head)\..+) -> -
)";

// block: a pattern whose group 1 is the number. prefix: of the new names.
std::string rules_of(const std::string& block, const std::vector<std::pair<std::string, std::string>>& names,
                     const std::string& prefix = "") {
  std::string rules;
  for (const auto& [from, to] : names) rules += block + from + " -> " + prefix + "blocks.$1." + to + "\n";
  return rules;
}

std::string originals() {
  const std::string any = R"((?:.*\.)?)", block = any + R"(blocks\.(?:\d+\.)?(\d+)\.)";
  std::string rules = kLeftOut;
  rules += rules_of(block,
                    {{R"((norm[12]|attn\.(?:qkv|proj|q_norm|k_norm)|mlp\.(?:fc[12]|w12|w3))\.(weight|bias))", "$2.$3"},
                     {R"(attn\.([qkv])_bias)", "attn.$2.bias"},
                     {R"(ls([12])\.(?:gamma|weight))", "ls$2.gamma"},
                     {R"(gamma_([12]))", "ls$2.gamma"}});
  return rules + any + R"(patch_embed\.proj\.(weight|bias) -> patch_embed.proj.$1)" + "\n" + any +
         R"((cls_token|register_tokens|pos_embed(?:_spatial|_temporal|_cls)?) -> $1)" + "\n" + any +
         R"(clip_projector\.(.+) -> clip_projector.$1)" + "\n" + any +
         R"((pre_norm|norm|fc_norm|head|projection)\.(weight|bias) -> $1.$2)" + "\n" + any +
         "projection -> projection\n";
}

std::string transformers_library() {
  const std::string any = R"((?:.*\.)?)", block = any + R"(encoder\.layer\.(\d+)\.)";
  std::string rules = kLeftOut;
  for (const auto& [name, letter] : {std::pair("query", "q"), std::pair("key", "k"), std::pair("value", "v")})
    rules += rules_of(
        block,
        {{R"(attention\.attention\.)" + std::string(name) + R"(\.(weight|bias))",
          "attn." + std::string(letter) + ".$2"},
         {R"(attention\.)" + std::string(letter) + R"(_proj\.(weight|bias))", "attn." + std::string(letter) + ".$2"},
         {R"(attention\.attention\.)" + std::string(letter) + "_bias", "attn." + std::string(letter) + ".bias"}});
  rules += rules_of(block, {{R"(attention\.(?:output\.dense|o_proj)\.(weight|bias))", "attn.proj.$2"},
                            {R"((?:layernorm_before|norm1)\.(weight|bias))", "norm1.$2"},
                            {R"((?:layernorm_after|norm2)\.(weight|bias))", "norm2.$2"},
                            {R"((?:intermediate\.dense|mlp\.fc1)\.(weight|bias))", "mlp.fc1.$2"},
                            {R"((?:output\.dense|mlp\.fc2)\.(weight|bias))", "mlp.fc2.$2"},
                            {R"(mlp\.weights_in\.(weight|bias))", "mlp.w12.$2"},
                            {R"(mlp\.weights_out\.(weight|bias))", "mlp.w3.$2"},
                            {R"(layer_scale([12])\.lambda1)", "ls$2.gamma"}});
  return rules + any + R"(embeddings\.patch_embeddings\.projection\.(weight|bias) -> patch_embed.proj.$1)" + "\n" +
         any + R"(embeddings\.(cls_token|register_tokens) -> $1)" + "\n" + any +
         R"(embeddings\.position_embeddings -> pos_embed)" + "\n" + any + R"(layernorm\.(weight|bias) -> norm.$1)" +
         "\n" + any + R"(fc_norm\.(weight|bias) -> fc_norm.$1)" + "\n" + R"(classifier\.(weight|bias) -> head.$1)" +
         "\n";
}

// VideoMAE and VideoMAE V2 as MMAction2 trains them. Its table of positions is the fixed one.
std::string of_mmaction2() {
  const std::string any = R"((?:.*\.)?)";
  return kLeftOut + mmaction2_transformer_rules(any, "") + any + "pos_embed -> -\n" + any +
         R"((norm|fc_norm)\.(weight|bias) -> $1.$2)" + "\n" + any + R"(cls_head\.fc_cls\.(weight|bias) -> head.$1)" +
         "\n";
}

std::string clip_of_transformers() {
  const std::string any = R"((?:.*\.)?)", model = any + R"(vision_model\.)",
                    block = model + R"(encoder\.layers\.(\d+)\.)";
  std::string rules = kLeftOut;
  rules += rules_of(block, {{R"(self_attn\.([qkv])_proj\.(weight|bias))", "attn.$2.$3"},
                            {R"(self_attn\.out_proj\.(weight|bias))", "attn.proj.$2"},
                            {R"(layer_norm([12])\.(weight|bias))", "norm$2.$3"},
                            {R"(mlp\.(fc[12])\.(weight|bias))", "mlp.$2.$3"}});
  return rules + model + "embeddings\\.class_embedding -> cls_token\n" + model +
         "embeddings\\.patch_embedding\\.weight -> patch_embed.proj.weight\n" + model +
         "embeddings\\.position_embedding\\.weight -> pos_embed\n" + model +
         R"(pre_layrnorm\.(weight|bias) -> pre_norm.$1)" + "\n" + model +
         R"(post_layernorm\.(weight|bias) -> norm.$1)" + "\n" + any +
         "visual_projection\\.weight -> projection.weight\n";
}

std::string clip() {
  const std::string model = R"((?:.*\.)?visual\.)", block = model + R"(transformer\.resblocks\.(\d+)\.)";
  // The picture's blocks before those of the text, whose names end alike.
  std::string rules = rules_of(block, {{R"(attn\.in_proj_(weight|bias))", "attn.qkv.$2"},
                                       {R"(attn\.out_proj\.(weight|bias))", "attn.proj.$2"},
                                       {R"(ln_([12])\.(weight|bias))", "norm$2.$3"},
                                       {R"(mlp\.c_fc\.(weight|bias))", "mlp.fc1.$2"},
                                       {R"(mlp\.c_proj\.(weight|bias))", "mlp.fc2.$2"}});
  rules += model + "class_embedding -> cls_token\n" + model + "positional_embedding -> pos_embed\n" + model +
           "conv1\\.weight -> patch_embed.proj.weight\n" + model + R"(ln_pre\.(weight|bias) -> pre_norm.$1)" + "\n" +
           model + R"(ln_post\.(weight|bias) -> norm.$1)" + "\n" + model + "proj -> projection\n";
  return rules + kLeftOut + "(?:.*\\.)?(?:positional_embedding|input_resolution|context_length|vocab_size) -> -\n";
}

}  // namespace

std::string mmaction2_transformer_rules(const std::string& from, const std::string& to) {
  return rules_of(from + R"(blocks\.(\d+)\.)",
                  {{R"((norm[12]|attn\.(?:qkv|proj))\.(weight|bias))", "$2.$3"},
                   {R"(attn\.([qkv])_bias)", "attn.$2.bias"},
                   {R"(mlp\.layers\.0\.0\.(weight|bias))", "mlp.fc1.$2"},
                   {R"(mlp\.layers\.1\.(weight|bias))", "mlp.fc2.$2"}},
                  to) +
         from + R"(patch_embed\.projection\.(weight|bias) -> )" + to + "patch_embed.proj.$1\n";
}

std::vector<NamedMap> transformer_maps() {
  return {{"vit", "VideoMAE, VideoMAE V2, DINOv2 and InternVideo2 under their own names", originals(), nullptr,
           "patch_embed.proj.weight"},
          {"vit-transformers", "VideoMAE and DINOv2 as the transformers library names them", transformers_library(),
           nullptr, "embeddings.patch_embeddings.projection.weight"},
          {"mmaction2-vit", "VideoMAE and VideoMAE V2 as MMAction2 names them", of_mmaction2(), nullptr,
           "patch_embed.projection.weight"},
          {"clip", "CLIP's image tower, as its authors and open_clip name it", clip(), nullptr, "visual.conv1.weight"},
          {"clip-transformers", "CLIP's image tower as the transformers library names it", clip_of_transformers(),
           nullptr, "vision_model.embeddings.patch_embedding.weight"}};
}

}  // namespace tal
