print("vocoscope-bench")
