print("vocoscope")
