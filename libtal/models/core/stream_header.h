// The header beside a stream's rows against its record (libtal/io/feature_header.h), for models, which may be told to
// take other features than they were trained on.
#pragma once

#include "libtal/io/record.h"
#include "libtal/models/core/model.h"

namespace tal {

// Error where the header says that the rows are others than the record's; of a policy that accepts them a warning, once
// for all that differ so. The stream's text goes: whoever opens it does not look again.
void check_stream_header(FeatureStream& stream, const FeaturePolicy* policy);

}  // namespace tal
