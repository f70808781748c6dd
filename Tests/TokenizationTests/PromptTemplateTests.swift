import Testing
import Tokenization

@Suite("Prompt template")
struct PromptTemplateTests {
  @Test("The default template is VoCo-LLaMA's, word for word")
  func standard() {
    #expect(
      PromptTemplate(PromptTemplate.vocoLLaMA).fill("what is this?")
        == """
        A chat between a curious user and an artificial intelligence assistant of the image. The assistant gives \
        helpful, detailed, and polite answers to the user's questions. USER: what is this? ASSISTANT:
        """)
  }

  @Test("A placeholder in the prompt stays as the user wrote it")
  func notTwice() {
    #expect(PromptTemplate("USER: {prompt} ASSISTANT:").fill("say {prompt}") == "USER: say {prompt} ASSISTANT:")
    #expect(PromptTemplate("{prompt}|{prompt}").fill("{prompt}") == "{prompt}|{prompt}")
  }

  @Test("Braces that are no placeholder are literal")
  func literals() {
    #expect(PromptTemplate("{{prompt}} {prompt").fill("x") == "{x} {prompt")
    #expect(PromptTemplate("").fill("x") == "")
    #expect(PromptTemplate("{prompt}").fill("") == "")
    #expect(PromptTemplate("é{prompt}漢").fill("\u{301}") == "é\u{301}漢")
  }

  @Test("A template says whether the prompt has a place in it")
  func placeholder() {
    #expect(PromptTemplate("USER: {prompt}").hasPlaceholder)
    #expect(!PromptTemplate("USER: prompt").hasPlaceholder)
  }

  @Test("The filled template of a parity case encodes to its recorded ids")
  func parity() throws {
    let text = PromptTemplate("USER: {prompt} ASSISTANT:").fill("what colour is the large square?")
    #expect(
      try makeTokenizer().encode(text)
        == [352, 302, 61, 334, 292, 376, 293, 275, 262, 332, 361, 383, 339, 66, 370, 336, 335, 61])
  }
}
