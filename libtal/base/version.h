// What this build is: printed by --version, written into `history`.
#pragma once

namespace tal {

const char* version();   // "0.1.0"
const char* revision();  // git revision, "-dirty" when the tree had changes, or "release"
const char* compiler();  // "GNU 12.2.0, Release"

}  // namespace tal
