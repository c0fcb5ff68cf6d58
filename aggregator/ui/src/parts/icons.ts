// The two icons that Locust's components take from a package of ten thousand.
export { default as Visibility } from "@mui/icons-material/Visibility";
export { default as VisibilityOff } from "@mui/icons-material/VisibilityOff";
