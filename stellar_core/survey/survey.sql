-- The paper's stars (section 3.1): SpecObj, sppParams and PhotoObj of SDSS DR17, joined, with its quality cuts.
-- Runs on SkyServer for one range of ids at a time, and on CasJobs for all of them into a table of MyDB.
-- The names after the dollar signs are filled in by stellar_core.acquisition.plan: the range by whole numbers, the
-- cuts by stellar_core.sdss.quality_cuts. The last column counts the rows: an answer without its end is seen by it.
SELECT
  s.specObjID, s.bestObjID, s.plate, s.mjd, s.fiberID, s.run2d, s.ra, s.dec,
  s.class, s.subClass, s.z, s.zErr, s.zWarning, s.snMedian,
  t.teffadop, t.teffadopunc, t.loggadop, t.loggadopunc, t.fehadop, t.fehadopunc, t.flag,
  p.psfMag_u, p.psfMag_g, p.psfMag_r, p.psfMag_i, p.psfMag_z,
  p.psfMagErr_u, p.psfMagErr_g, p.psfMagErr_r, p.psfMagErr_i, p.psfMagErr_z,
  p.extinction_u, p.extinction_g, p.extinction_r, p.extinction_i, p.extinction_z,
  p.modelMag_u, p.modelMag_g, p.modelMag_r, p.modelMag_i, p.modelMag_z,
  1000000 + COUNT(*) OVER () AS n_rows
$into
FROM SpecObj s
  JOIN sppParams t ON t.specObjID = s.specObjID
  JOIN PhotoObj p ON p.objID = s.bestObjID
WHERE s.specObjID BETWEEN $low AND $high
  AND $cuts
