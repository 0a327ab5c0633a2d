/** Metadata key that says whether the graph is right for images of any size (`any`), or only for `inputShape`'s (`fixed`). */
export const IMAGE_SIZE_KEY = 'fovea.image_size';
