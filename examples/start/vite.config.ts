import { defineConfig } from "vite";

// The bundle is committed, and the program embeds it: names that stay, and code that can be read.
export default defineConfig({
  base: "./",
  build: {
    target: "es2023",
    minify: false,
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: { entryFileNames: "start.js", assetFileNames: "start[extname]" },
    },
  },
  server: { port: 5173, strictPort: false },
});
