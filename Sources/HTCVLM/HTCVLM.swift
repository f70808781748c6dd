/// Placeholder until the first sources of this target land.
package enum HTCVLMPlaceholder {}
