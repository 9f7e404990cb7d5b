#!/usr/bin/env nextflow
/*
 * Scores the variants of a VCF with Enformer: normalise (optional), score in shards, merge, annotate, report.
 */

include { checkParameters; helpText } from './subworkflows/local/parameters/main'
include { BCFTOOLS_NORM } from './modules/local/bcftools/norm/main'
include { ENFORMERVEP_SCORE } from './modules/local/enformervep/score/main'
include { ENFORMERVEP_MERGE } from './modules/local/enformervep/merge/main'
include { ENFORMERVEP_ANNOTATE } from './modules/local/enformervep/annotate/main'
include { ENFORMERVEP_REPORT } from './modules/local/enformervep/report/main'

workflow ENFORMERVEP {
    take:
    variants   // channel: [ val(meta), path(vcf) ]
    genome     // value:   [ val(meta), path(fasta), [ path(fai), path(gzi) ] ]
    model      // value:   path, or [] if ext.args names the model
    gtf        // value:   path or []
    track_table // value:  path or []
    background // value:   path or []
    shards     // value:   number of shards

    main:
    if (params.normalise) {
        BCFTOOLS_NORM(variants, genome)
        normalised = BCFTOOLS_NORM.out.vcf
    }
    else {
        normalised = variants
    }

    to_score = normalised
        .combine(channel.of(1..shards))
        .map { meta, vcf, shard -> [meta, vcf, shard, shards] }
    ENFORMERVEP_SCORE(to_score, genome, model, gtf, track_table, background)

    // In the order of the shards, so that the task is the same one when the workflow is resumed.
    scored = ENFORMERVEP_SCORE.out.scores
        .groupTuple(size: shards)
        .map { meta, tables, beside -> [meta, tables.sort { it.name }, beside.flatten().sort { it.name }] }
    ENFORMERVEP_MERGE(scored)
    scores = ENFORMERVEP_MERGE.out.scores

    if (params.annotate) {
        ENFORMERVEP_ANNOTATE(normalised.join(scores))
    }
    if (params.report) {
        ENFORMERVEP_REPORT(
            scores,
            params.profiles ? genome : [[:], [], []],
            params.profiles ? model : [],
            params.profiles ? gtf : [],
        )
    }

    emit:
    scores = scores // channel: [ val(meta), path(scores), [ paths beside it ] ]
}

workflow {
    if (params.help) {
        println(helpText(params))
        return
    }
    checkParameters(params)

    fasta = file(params.fasta)
    index = ['fai', 'gzi'].collect { suffix -> file("${params.fasta}.${suffix}") }.findAll { it.exists() }
    if (!index) {
        log.warn("${params.fasta} has no index, so each job makes its own: run samtools faidx ${params.fasta} once")
    }
    vcf = file(params.vcf)
    name = vcf.name.replaceFirst(/(\.vcf|\.bcf|\.tsv|\.txt)?(\.gz|\.bgz)?$/, '')
    // It becomes part of names in scripts, which do not quote it.
    id = params.id ?: name.replaceAll(/[^A-Za-z0-9._-]/, '_')

    ENFORMERVEP(
        channel.of([[id: id], vcf]),
        channel.value([[id: fasta.baseName], fasta, index]),
        params.model in ['enformer', 'demo'] ? [] : file(params.model),
        params.gtf ? file(params.gtf) : [],
        params.track_table ? file(params.track_table) : [],
        params.background ? file(params.background) : [],
        params.shards,
    )
}
