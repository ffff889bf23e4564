// Models whose new networks start from weights of elsewhere.
#pragma once

namespace tal {

class StartsFromWeights {
 public:
  virtual ~StartsFromWeights() = default;
  // Error (field: the setting) when the settings do not say where weights come from, or name what is not there. Called before any data are read; not
  // for a network that starts from another model (--init-from).
  virtual void check_start() const = 0;
};

}  // namespace tal
