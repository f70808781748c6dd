/// What a directory of LLaVA's kind was trained as.
package enum ModelFamily: String, Sendable, CaseIterable {
  case htcVLM = "HTC-VLM"
  case vocoLLaMA = "VoCo-LLaMA"
  case llava = "LLaVA-1.5"
  case m3 = "M3"

  /// The text of LLaVA's `conv_llava_v1` (liuhaotian/LLaVA, `conversation.py`).
  static let llavaTemplate =
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
    + "polite answers to the user's questions. USER: <image>\n{prompt} ASSISTANT:"

  /// The template of llava-hf's processor.
  static let transformersTemplate = "USER: <image>\n{prompt} ASSISTANT:"
}
