#include "libtal/models/core/stream_header.h"

#include "libtal/base/error.h"
#include "libtal/io/feature_header.h"
#include "libtal/io/places.h"

namespace tal {

void check_stream_header(FeatureStream& stream, const FeaturePolicy* policy) {
  for (const auto& difference : header_differences(stream)) {
    const std::string field = "features." + stream.name + "." + difference.field;
    if (!policy || !policy->accepts())
      throw Error(text_of(difference) + " (--accept-features takes them as they are)")
          .at_field(field)
          .in_file(feature_header_path(located_features(stream)));
    policy->warn_once(field + ": " + text_of(difference) + "; taken as they are (--accept-features)");
  }
  stream.text.clear();
}

}  // namespace tal
