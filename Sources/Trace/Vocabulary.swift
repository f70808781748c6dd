/// `visual_mask`: whether visual tokens see each other.
package enum VisualMask: String, Sendable, CaseIterable { case star, causal }

/// `image_aspect_ratio`: how a picture that is no square becomes one.
package enum ImageAspectRatio: String, Sendable, CaseIterable { case pad, square }
