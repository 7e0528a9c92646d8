export { loadBalancerAddresses, wantsLoadBalancer } from "./decide.ts";
export { startLoadBalancers } from "./loop.ts";
