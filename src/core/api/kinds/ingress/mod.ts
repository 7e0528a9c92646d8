// The door of kinds/ingress.
export { ingress } from "./ingress.ts";
export { ingressClass, isDefaultIngressClass } from "./ingress-class.ts";
