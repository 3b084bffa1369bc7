"""The mesh page: cameras come, and the landmarks of the faces before them go back."""
