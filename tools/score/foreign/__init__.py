"""Labels as other programs write them: MOT challenge text, COCO JSON, CVAT for video."""
