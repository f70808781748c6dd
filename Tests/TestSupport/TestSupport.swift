/// Placeholder until the first helpers land.
package enum TestSupportPlaceholder {}
