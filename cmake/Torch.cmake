# LibTorch as one target, tal_torch. find_package(Torch) would pull in the CUDA stack of
# the wheel and fail to link without all of it; libtorch_cpu and libc10 are all that the CPU needs.
set(TAL_HAVE_TORCH OFF)
if(NOT TAL_TORCH STREQUAL "OFF")
  set(candidates ${TAL_TORCH} $ENV{TAL_TORCH} ${PROJECT_SOURCE_DIR}/.cache/libtorch/torch ${CMAKE_PREFIX_PATH})
  find_path(TAL_TORCH_INCLUDE torch/csrc/api/include/torch/torch.h
    PATHS ${candidates} PATH_SUFFIXES include NO_DEFAULT_PATH)
  find_library(TAL_TORCH_CPU torch_cpu PATHS ${candidates} PATH_SUFFIXES lib NO_DEFAULT_PATH)
  find_library(TAL_TORCH_C10 c10 PATHS ${candidates} PATH_SUFFIXES lib NO_DEFAULT_PATH)
  if(TAL_TORCH_INCLUDE AND TAL_TORCH_CPU AND TAL_TORCH_C10)
    set(TAL_HAVE_TORCH ON)
    get_filename_component(TAL_TORCH_LIB ${TAL_TORCH_CPU} DIRECTORY)
    set(TAL_TORCH_VERSION "")
    foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
      if(NOT TAL_TORCH_VERSION AND EXISTS ${TAL_TORCH_INCLUDE}/${header})
        file(STRINGS ${TAL_TORCH_INCLUDE}/${header} numbers REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
        string(REGEX MATCHALL "[0-9]+" numbers "${numbers}")
        string(JOIN "." TAL_TORCH_VERSION ${numbers})
      endif()
    endforeach()
    add_library(tal_torch INTERFACE)
    target_include_directories(tal_torch SYSTEM INTERFACE
      ${TAL_TORCH_INCLUDE} ${TAL_TORCH_INCLUDE}/torch/csrc/api/include)
    target_link_libraries(tal_torch INTERFACE ${TAL_TORCH_CPU} ${TAL_TORCH_C10} Threads::Threads)
    # at::parallel_for runs in LibTorch's own OpenMP threads only where the caller is compiled with OpenMP; of its runtime there must be one,
    # the wheel's where it brings one.
    find_library(TAL_TORCH_GOMP libgomp.so.1 PATHS ${TAL_TORCH_LIB} NO_DEFAULT_PATH)
    if(TAL_TORCH_GOMP)
      target_compile_options(tal_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
      target_link_libraries(tal_torch INTERFACE ${TAL_TORCH_GOMP})
    else()
      find_package(OpenMP REQUIRED COMPONENTS CXX)
      target_link_libraries(tal_torch INTERFACE OpenMP::OpenMP_CXX)
    endif()
    # The CUPTI and CUDA runtime libraries that libtorch_cpu names are found through its own RPATH at run time.
    # Programs that link it find it where it was; tal's own libraries look for it (libtal/stages/torch_library.h).
    target_link_options(tal_torch INTERFACE -Wl,--allow-shlib-undefined
      $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-Wl,-rpath,${TAL_TORCH_LIB}>)
    target_compile_definitions(tal_torch INTERFACE TAL_HAVE_TORCH)
    # LibTorch has Gloo inside but not its headers; without them training runs in one process only.
    find_path(TAL_GLOO_INCLUDE gloo/context.h)
    if(TAL_GLOO_INCLUDE)
      target_compile_definitions(tal_torch INTERFACE TAL_HAVE_GLOO)
    else()
      message(STATUS "Gloo's headers not found: tal-train will refuse several processes")
    endif()
    if(EXISTS ${TAL_TORCH_INCLUDE}/../share/cmake/Torch)
      target_compile_definitions(tal_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
    endif()
  elseif(TAL_TORCH STREQUAL "AUTO")
    message(STATUS "LibTorch not found: the learned stages are left out")
  else()
    message(FATAL_ERROR "TAL_TORCH=${TAL_TORCH}: no include/ and lib/libtorch_cpu.so there")
  endif()
endif()

# <torch/torch.h> takes most of the time of a small source; precompiled once, by tal_nn, and used again by what links it.
function(tal_precompile_torch target)
  if(target STREQUAL "tal_nn")
    target_precompile_headers(tal_nn PRIVATE <torch/torch.h>)
  else()
    target_precompile_headers(${target} REUSE_FROM tal_nn)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fPIC -fno-semantic-interposition>)  # a header is precompiled for one kind of code
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)  # ccache needs it
  endif()
endfunction()
