#include "ports/random/system/system_random.h"

#include "ports/random/contract.h"

namespace mainstay::random::system {
namespace {

INSTANTIATE_TEST_SUITE_P(System, RandomContract, ::testing::Values([] { return std::make_unique<SystemRandom>(); }));

}  // namespace
}  // namespace mainstay::random::system
