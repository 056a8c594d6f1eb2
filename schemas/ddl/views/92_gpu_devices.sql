-- SELECT host, gpu, uuid, gpu_instance, model_name, service FROM gpu_devices(from_us = 0, to_us = 4102444800000000)
-- The GPUs and MIG instances with samples in the range's minutes, as they were last seen.
CREATE OR REPLACE VIEW gpu_devices {{onCluster}} AS
SELECT
    device.host AS host,
    device.uuid AS uuid,
    device.gpu_instance AS gpu_instance,
    argMax(device.gpu, minute) AS gpu,
    argMax(device.device, minute) AS device_name,
    argMax(device.model_name, minute) AS model_name,
    argMax(device.profile, minute) AS profile,
    argMax(device.driver, minute) AS driver,
    argMax(device.service, minute) AS service,
    argMax(device.namespace, minute) AS namespace,
    argMax(device.pod, minute) AS pod,
    argMax(device.container, minute) AS container,
    argMax(device.target, minute) AS target,
    argMax(device.share, minute) AS share,
    maxOrNullArray(device.fb_total_bytes) AS fb_total_bytes,
    min(device.first_us) AS first_us,
    max(device.last_us) AS last_us,
    sum(version) AS samples
FROM gpu_minutes AS device FINAL
WHERE minute >= {{template "from"}} AND minute < {{template "to"}}
GROUP BY host, uuid, gpu_instance
ORDER BY host, gpu, uuid, gpu_instance;
