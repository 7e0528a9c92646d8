export * from "./review.ts";
export * from "./review-handler.ts";
